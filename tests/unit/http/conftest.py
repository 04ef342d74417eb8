"""Two versions of a small project, trained once per process."""

from __future__ import annotations

import pytest

from served import Trained, train


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A small classifier in two versions that answer differently; serve it on a state store of your own."""
    return train(tmp_path_factory.mktemp("trained"))
