"""The folder is the registry."""

from __future__ import annotations

import pytest

from torneo import plugins
from torneo.errors import NotFoundError
from torneo.models import linear


def test_our_families_are_the_files() -> None:
    names = plugins.names("models")
    assert {"linear", "xgboost", "lightgbm", "random_forest"} <= set(names)
    assert not [name for name in names if name.startswith("_")]
    assert list(names) == sorted(names)
    assert plugins.load("models", "linear") is linear


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(
        NotFoundError, match=r"^there is no model 'linaer' \(did you mean 'linear'\? there are: .*xgboost"
    ):
        plugins.load("models", "linaer")
    with pytest.raises(NotFoundError, match=r"^there is no source 'zzzzz' \(there are: .*files"):
        plugins.load("sources", "zzzzz")
