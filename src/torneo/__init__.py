"""Torneo: one YAML file to a governed, champion-challenger machine learning service for tabular data."""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Load the API when it is asked for, so that `import torneo` costs nothing."""
    if name == "Project":
        from torneo.api import Project

        return Project
    raise AttributeError(f"module 'torneo' has no attribute {name!r}")
