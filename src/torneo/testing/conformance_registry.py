"""What every model registry must do."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from torneo.errors import NotFoundError, TorneoError
from torneo.ports import ModelRegistry, TrackedRun, Version
from torneo.spec.records import digest_of
from torneo.testing.expect import equal, raises

Factory = Callable[[], ModelRegistry]


def tracks_a_key_once(factory: Factory) -> None:
    """Tracking a key again gives back its run; another key, or another project's, is another run."""
    first = factory().track(a_run(), None)
    equal(factory().track(a_run(metrics={"rmse": 9.0}), None), first, "run of a key tracked twice")
    others = {factory().track(a_run(key="other"), None), factory().track(a_run(project="sales"), None)}
    equal(len(others | {first}), 3, "runs of three keys")


def tracks_much(factory: Factory) -> None:
    """Many and long parameters, metrics that are no numbers, series and files are no trouble."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "plots").mkdir()
        (Path(folder) / "plots" / "residuals.svg").write_text("<svg/>")
        run = a_run(
            params={f"p{number}": number for number in range(250)} | {"long": "x" * 20_000, "none": None, "yes": True},
            metrics={"nan": float("nan"), "infinite": float("inf"), "error (USD) %": 1.5},
            series={"rmse": tuple(float(step) for step in range(2500))},
            tags={"mlflow.source.git.commit": "0" * 40, "words": "y" * 20_000},
        )
        try:
            factory().track(run, Path(folder))
        except TorneoError as error:
            raise AssertionError(f"many and long parameters, odd numbers and names: {error}") from error
        with raises(NotFoundError, "artifacts that are not there", says="absent"):
            factory().track(a_run(key="other"), Path(folder) / "absent")


def registers_a_digest_once(factory: Factory) -> None:
    """Versions count from 1 and tell what they are; the same digest again gives back its version."""
    equal(list(factory().versions("housing")), [], "versions of a project that has none")
    first = register(factory(), "first")
    second = register(factory(), "second")
    equal(register(factory(), "first"), first, "version of a digest registered twice")
    found = list(factory().versions("housing"))
    equal(found, [first, second], "versions")
    equal([version.number for version in found], [1, 2], "version numbers")
    equal((first.bundle, first.digest), ("bundles/first", digest_of("first")), "the first version's bundle and digest")
    equal((first.challenger, first.aliases), ("first", ()), "the first version's challenger and aliases")
    equal(list(factory().versions("sales")), [], "versions of another project")


def needs_a_run(factory: Factory) -> None:
    """A version of a run or of a folder that is not there is NotFoundError, and nothing is registered."""
    with a_bundle("x") as bundle:
        with raises(NotFoundError, "a run that is not there", says="0" * 32):
            factory().register("housing", bundle, key="k", digest="d", challenger="c", run_id="0" * 32)
        run_id = factory().track(a_run(), None)
        with raises(NotFoundError, "a bundle that is not there", says="absent"):
            absent = bundle / "absent"
            factory().register("housing", absent, key="k", digest="d", challenger="c", run_id=run_id)
    equal(list(factory().versions("housing")), [], "versions after refused registrations")


def moves_aliases(factory: Factory) -> None:
    """An alias points at one version, moves, and can be removed; a version may have several."""
    store = factory()
    for name in ("first", "second"):
        register(store, name)
    store.set_alias("housing", "champion", 1)
    store.set_alias("housing", "challenger", 1)
    equal(_aliases(factory()), {1: ("challenger", "champion"), 2: ()}, "aliases")
    store.set_alias("housing", "champion", 2)
    store.set_alias("housing", "previous", 1)
    equal(_aliases(factory()), {1: ("challenger", "previous"), 2: ("champion",)}, "aliases after a move")
    store.set_alias("housing", "challenger", None)
    store.set_alias("housing", "challenger", None)
    store.set_alias("sales", "champion", None)
    equal(_aliases(factory()), {1: ("previous",), 2: ("champion",)}, "aliases after one was removed")
    equal(register(store, "second").aliases, ("champion",), "aliases of a version registered again")


def refuses_aliases_of_nothing(factory: Factory) -> None:
    """An alias cannot point at a version that is not there, and stays where it was."""
    with raises(NotFoundError, "an alias in a project that is not there", says="housing"):
        factory().set_alias("housing", "champion", 1)
    register(factory(), "first")
    factory().set_alias("housing", "champion", 1)
    with raises(NotFoundError, "an alias to a version that is not there", says="7"):
        factory().set_alias("housing", "champion", 7)
    equal(_aliases(factory()), {1: ("champion",)}, "aliases after a refused move")


def a_run(**changes: object) -> TrackedRun:
    """A small run, with some fields changed."""
    values: Mapping[str, object] = {
        "project": "housing",
        "name": "linear",
        "key": digest_of("key"),
        "params": {"alpha": 0.1},
        "metrics": {"rmse": 3.2},
        "series": {"rmse": (3.0, 3.4)},
        "tags": {"family": "linear"},
        "dataset_digest": digest_of("dataset"),
    }
    return TrackedRun.model_validate({**values, **changes})


@contextmanager
def a_bundle(name: str) -> Iterator[Path]:
    """A folder such as bundles are."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder)
        (bundle / "model.onnx").write_text(name)
        (bundle / "bundle.json").write_text("{}")
        yield bundle


def register(store: ModelRegistry, name: str) -> Version:
    """Track and register a small bundle for the project `housing`."""
    with a_bundle(name) as bundle:
        run_id = store.track(a_run(key=digest_of(f"run of {name}")), None)
        return store.register(
            "housing", bundle, key=f"bundles/{name}", digest=digest_of(name), challenger=name, run_id=run_id
        )


def _aliases(store: ModelRegistry) -> dict[int, tuple[str, ...]]:
    return {version.number: version.aliases for version in store.versions("housing")}


REGISTRY_SUITE = (
    tracks_a_key_once,
    tracks_much,
    registers_a_digest_once,
    needs_a_run,
    moves_aliases,
    refuses_aliases_of_nothing,
)
"""The checks of a model registry."""
