"""`challengers: auto`: a simple model, a forest and a searched boosting, sized to give an answer within a minute."""

from __future__ import annotations

from collections.abc import Mapping

from torneo.spec.project import Challenger, Challengers, Search

SEARCHED_ROWS = 20_000
"""Up to so many rows a search of 25 trials by 5 folds takes well under a minute on 2 cores."""
FOREST_ROWS = 100_000
"""Above so many rows a forest costs more than it tells."""


def challengers_of(declared: Challengers, rows: int) -> Mapping[str, Challenger]:
    """The challengers by name, `auto` resolved for so many training rows.

    >>> list(challengers_of("auto", 400))
    ['linear', 'forest', 'boosting']
    """
    if not isinstance(declared, str):
        return declared
    chosen = {"linear": Challenger(model="linear")}
    if rows <= FOREST_ROWS:
        chosen["forest"] = Challenger(model="random_forest")
    search = Search(sampler="tpe", trials=25, folds=5) if rows <= SEARCHED_ROWS else None
    chosen["boosting"] = Challenger(model="xgboost", search=search)
    return chosen
