"""YAML to a project, with every mistake at its file, line and column."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from torneo.errors import Mistake, NotFoundError, SpecError
from torneo.spec.channels import may_tell
from torneo.spec.frozen import MISTAKEN, shortened
from torneo.spec.loading import AnyProject, LoadProject
from torneo.spec.project import ONLY_DECLARED, Project

Location = tuple[str | int, ...]
Node = tuple[Location, yaml.ScalarNode | None, yaml.Node]
Model = TypeVar("Model", bound=BaseModel)
SHOULD = "Input should be "
DEEPEST = 50
"""So many levels may be nested; more are aliases that contain themselves."""
SECRET_LINE = re.compile(r"""\b(password|secret|webhook|slack)["']?\s*:\s*["']?(?![\s"'{$]|$)|://[^\s/@]*@""")
"""A line that has a password or the address of a webhook in it: it is not shown, whatever is wrong there."""
MOST = 100_000
"""So many values a text may have, aliases expanded."""


@dataclass(frozen=True)
class Document:
    """A YAML text with the place of each of its nodes."""

    file: str
    lines: tuple[str, ...]
    value: Any
    keys: dict[Location, yaml.Mark]
    values: dict[Location, yaml.Mark]
    mistakes: tuple[Mistake, ...]
    only_declared: bool = False
    """Whether there is no features.py beside it, which could make further columns."""

    def mistake(self, location: Location, message: str, *, at_key: bool = False) -> Mistake:
        """A mistake at the deepest part of `location` that the text has."""
        marks = self.keys if at_key else self.values
        for length in range(len(location), -1, -1):
            mark = marks.get(location[:length]) or self.values.get(location[:length])
            if mark is not None:
                return _mistake(self.lines, mark, message)
        return Mistake(1, 1, message)


def _mistake(lines: tuple[str, ...], mark: yaml.Mark, message: str) -> Mistake:
    source = lines[mark.line] if mark.line < len(lines) and not SECRET_LINE.search(lines[mark.line]) else ""
    return Mistake(mark.line + 1, mark.column + 1, message, source)


TEXT = "tag:yaml.org,2002:str"
MERGE = "tag:yaml.org,2002:merge"
_NUMBERS = {
    "tag:yaml.org,2002:int": re.compile(r"[-+]?(?:0|[1-9][0-9]*)$"),
    "tag:yaml.org,2002:float": re.compile(
        r"[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+|(?:0|[1-9][0-9]*)(?=[eE]))(?:[eE][-+]?[0-9]+)?$"
        r"|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$"
    ),
}


class _Loader(yaml.SafeLoader):
    """YAML 1.1 without its surprises: keys, `yes`, `no`, `on`, `off`, `05` and `12:30` are text, `1e-3` is a number."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """A value; one that does not exist, such as the 31st of February, is a mistake at its place."""
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise yaml.MarkedYAMLError(problem=f"{node.value!r}: {error}", problem_mark=node.start_mark) from None


_Loader.yaml_implicit_resolvers = {
    letter: [
        (tag, _NUMBERS.get(tag, pattern))
        for tag, pattern in resolvers
        if tag != "tag:yaml.org,2002:bool" or letter in "tTfF"
    ]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(text: str, file: str) -> Document:
    """Parse a YAML text.

    Raises:
        SpecError: the text is not YAML, or is not a mapping.
    """
    lines = tuple(text.splitlines())
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        places = [] if node is None else list(itertools.islice(_walk((), node), MOST + 1))
        if len(places) > MOST:
            raise SpecError(file, [Mistake(1, 1, f"it has more than {MOST:,} values, aliases expanded")])
        value = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark or yaml.Mark(file, 0, 0, 0, None, 0)
        message = f"not valid YAML: {error.problem or error.context}"
        raise SpecError(file, [_mistake(lines, mark, message)]) from None
    except yaml.YAMLError as error:
        raise SpecError(file, [Mistake(1, 1, f"not valid YAML: {error}")]) from None
    except RecursionError:
        raise SpecError(file, [Mistake(1, 1, "it is nested too deeply to be read")]) from None
    if not isinstance(node, yaml.MappingNode):
        raise SpecError(file, [Mistake(1, 1, "expected keys and values, such as `project: housing`")])
    keys: dict[Location, yaml.Mark] = {}
    values: dict[Location, yaml.Mark] = {}
    mistakes: list[Mistake] = []
    lines = _without_secrets(lines, places)
    for location, key, child in places:
        if key is not None:
            if location in keys:
                first = keys[location].line + 1
                mistakes.append(_mistake(lines, key.start_mark, f"{key.value!r} is given twice, first in line {first}"))
            keys.setdefault(location, key.start_mark)
        values.setdefault(location, child.start_mark)
    return Document(file, lines, value, keys, values, tuple(mistakes))


def _without_secrets(lines: tuple[str, ...], places: Sequence[Node]) -> tuple[str, ...]:
    """The lines, but for those with what no message may show."""
    hidden: set[int] = set()
    for location, _, node in places:
        if isinstance(node, yaml.ScalarNode) and not may_tell(location, node.value):
            hidden.update(range(node.start_mark.line, node.end_mark.line + 1))
    return tuple("" if number in hidden else line for number, line in enumerate(lines))


def _walk(location: Location, node: yaml.Node) -> Iterator[Node]:
    """Every node with its place, and its key where it has one; keys become text on the way."""
    if len(location) > DEEPEST:
        problem = f"nested deeper than {DEEPEST} levels"
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
    if not location:
        yield location, None, node
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                key.tag = key.tag if key.tag == MERGE else TEXT
                yield (*location, key.value), key, value
                yield from _walk((*location, key.value), value)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*location, index), None, value
            yield from _walk((*location, index), value)


def validate(document: Document, model: type[Model]) -> Model:
    """Turn a document into a model.

    Raises:
        SpecError: with all mistakes, each at its place.
    """
    mistakes = list(document.mistakes)
    result = None
    try:
        result = model.model_validate(document.value, context=ONLY_DECLARED if document.only_declared else None)
    except ValidationError as error:
        found = error.errors(include_url=False)
        told = [details for details in found if not _overshadowed(details, found)]
        mistakes += [mistake for details in _merged(document, told) for mistake in _explain(document, model, details)]
    if mistakes or result is None:
        raise SpecError(document.file, list(dict.fromkeys(mistakes)))
    return result


def _overshadowed(details: ErrorDetails, found: list[ErrorDetails]) -> bool:
    """Whether this is the unused branch of a union (`auto`, or a mapping) whose other branch says more."""
    place = details["loc"][:-1]
    return details["type"] == "literal_error" and any(
        len(other["loc"]) > len(place) + 1 and other["loc"][: len(place)] == place for other in found
    )


def _merged(document: Document, found: list[ErrorDetails]) -> list[ErrorDetails]:
    """The branches of a union that all say what a value should be, as one."""
    first: dict[Location, ErrorDetails] = {}
    for details in found:
        location = _real_location(document, details)
        expected = details["msg"].removeprefix(SHOULD).split(",")[0]
        if location not in first or details["type"] in ("missing", "extra_forbidden", MISTAKEN):
            first[location if location not in first else (*location, len(first))] = details
        elif details["msg"].startswith(SHOULD) and first[location]["msg"].startswith(SHOULD):
            before = first[location]["msg"].split(",")[0]
            first[location] = {**first[location], "msg": before if expected in before else f"{before} or {expected}"}
        else:
            first[*location, len(first)] = details
    return list(first.values())


def _explain(document: Document, model: type[BaseModel], details: ErrorDetails) -> Iterator[Mistake]:
    location = _real_location(document, details)
    name = ".".join(str(part) for part in location)
    if details["type"] == MISTAKEN:
        for below, message in details["ctx"]["found"]:
            place = (*location, *below)
            yield document.mistake(place, f"{'.'.join(str(part) for part in place)}: {message}")
    elif details["type"] == "extra_forbidden":
        known = _known_keys(model, location[:-1])
        near = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
        yield document.mistake(location, f"unknown key {shortened(location[-1])} ({hint})", at_key=True)
    elif details["type"] == "missing":
        yield document.mistake(location[:-1], f"{name} is missing", at_key=True)
    else:
        message = details["msg"].removeprefix("Value error, ")
        given = details["input"]
        tell = isinstance(given, str | int | float | bool) and shortened(given) not in message
        tell = tell and may_tell(location, given)
        message += f" (it is {shortened(given)})" if tell else ""
        yield document.mistake(location, f"{name}: {message}" if name else message)


def _real_location(document: Document, details: ErrorDetails) -> Location:
    """Where it is in the text, without what pydantic adds for unions and validators; a missing key is added."""
    real: Location = ()
    for part in details["loc"]:
        if (*real, part) in document.values:
            real = (*real, part)
    return (*real, details["loc"][-1]) if details["type"] == "missing" else real


def _known_keys(model: type[BaseModel], location: Location) -> list[str]:
    """The keys that may stand at a location, read from the JSON Schema."""
    schema = model.model_json_schema()
    nodes = [schema]
    for part in location:
        nodes = [child for node in nodes for child in _children(schema, node, part)]
    return sorted({key for node in nodes for key in _resolve(schema, node).get("properties", {})})


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    reference = node.get("$ref")
    return schema["$defs"][reference.rsplit("/", 1)[1]] if reference else node


def _children(schema: dict[str, Any], node: dict[str, Any], part: str | int) -> list[dict[str, Any]]:
    node = _resolve(schema, node)
    branches = [_resolve(schema, branch) for branch in node.get("anyOf", [])] or [node]
    found = []
    for branch in branches:
        if isinstance(part, int):
            found.append(branch.get("items"))
        else:
            found.append(branch.get("properties", {}).get(part) or branch.get("additionalProperties"))
    leaves = [child for child in found if isinstance(child, dict)]
    return [option for leaf in leaves for option in leaf.get("anyOf", [leaf])]


def load(path: Path) -> AnyProject:
    """Load project.yaml: one with the key `load` loads a table, any other trains.

    Raises:
        NotFoundError: there is no such file.
        SpecError: it is not a valid project.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise NotFoundError(
            f"there is no project file {path}", fix="torneo init FILE --target COLUMN drafts one"
        ) from None
    except UnicodeDecodeError as error:
        raise SpecError(str(path), [Mistake(1, 1, f"the file is not UTF-8 text (byte {error.start})")]) from None
    except OSError as error:
        raise SpecError(str(path), [Mistake(1, 1, f"the file cannot be read: {error.strerror}")]) from None
    document = parse(text, str(path))
    if ("load",) in document.keys:
        return validate(document, LoadProject)
    return validate(replace(document, only_declared=not (path.parent / "features.py").exists()), Project)
