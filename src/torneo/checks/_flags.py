"""The names of the flags and values that stand beside typed columns."""

from __future__ import annotations


def present(column: str) -> str:
    """The Boolean column that says whether the source has a value for `column`, readable or not."""
    return f"__present__{column}"


def computed(column: str) -> str:
    """The column that says what `column` should be by its `compute`."""
    return f"__computed__{column}"
