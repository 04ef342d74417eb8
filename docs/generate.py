"""Write docs/reference from the code: `make docs`. A test compares the committed pages with what this gives."""

from __future__ import annotations

import ast
import datetime
import inspect
import itertools
import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from torneo.spec.loading import project_schema
from torneo.spec.settings import Settings

Schema = Mapping[str, Any]

REFERENCE = Path(__file__).parent / "reference"
WRITTEN = {"Guardrail": 'a bar, such as `"> 0.7"`'}
"""Definitions that a project file writes as text, so that they have no section of their own."""
VALUES: Mapping[Any, str] = {
    str: "TEXT", list[str]: "TEXT", int: "NUMBER", float: "NUMBER", Path: "PATH",
    datetime.datetime: "DATE", datetime.date: "DATE", datetime.timedelta: "DAYS",
}  # fmt: skip
HTTP_WORDS = (
    "`torneo serve` answers these; `/docs` shows them with the contract's own fields, `/openapi.json` is for programs.",
    "Without `/v1/{project}` they are the short forms, which are there where one project is served. A key goes into",
    "`X-API-Key`, or into `Authorization: Bearer`. Errors are problem details (RFC 9457): `errors` lists each wrong",
    "value with a JSON Pointer, or each wrong parameter with its name.\n",
)
NOTE = "<!-- Written by `make docs` from the code. Do not edit. -->\n"
TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "nothing"}
FORMATS = {"date": "date", "date-time": "date and time", "path": "path"}


def project_page() -> str:
    """Every key of project.yaml, section by section in the order in which a project file has them."""
    schema = project_schema()
    trains, loads = schema["$defs"]["Project"], schema["$defs"]["LoadProject"]
    parts = [
        NOTE,
        "# project.yaml: every key\n",
        "Unknown keys, duplicate keys and wrong values are errors, all reported at once with their line and column.",
        "A file with the key `load` loads a table, any other trains.",
        "`torneo schema` prints the same as a JSON Schema, for editors.\n",
        *_section("The file of a project that trains", trains, schema),
        *_section("The file of a project that loads", loads, schema),
    ]
    for name in _in_order(loads, schema, _in_order(trains, schema, [])):
        parts += _section(name, schema["$defs"][name], schema)
    return "\n".join(parts)


def settings_page() -> str:
    """Every setting of an installation."""
    rows = list(_settings(Settings, "TORNEO_"))
    head = f"{_sentence(Settings.__doc__)}\nWhere a row has several names, the first one that is set wins.\n"
    return "\n".join([NOTE, "# Settings\n", head, *_table(("environment variable", "default", "meaning"), rows)])


def _settings(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    """The settings of a model, those of a nested one by its name and two underscores."""
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            yield from _settings(type(field.default), f"{prefix}{name.upper()}__")
            continue
        choices = getattr(field.validation_alias, "choices", [f"{prefix}{name.upper()}"])
        default = "the machine's cores" if field.default_factory else _shown(field.default)
        yield ", ".join(f"`{choice}`" for choice in choices), default, field.description or ""


def cli_page() -> str:
    """Every command with its arguments and options, and the exit codes."""
    import typer.main

    from torneo.cli.app import app

    group = typer.main.get_command(app)
    parts = [NOTE, "# Commands\n", f"{_sentence(group.help)}\n"]
    for path, command in _commands("torneo", group):
        parameters = [parameter for parameter in command.params if parameter.name != "help"]
        arguments = [parameter for parameter in parameters if parameter.param_type_name == "argument"]
        places = [_flags(argument) if argument.required else f"[{_flags(argument)}]" for argument in arguments]
        usage = " ".join([path, *places, *(["[OPTIONS]"] if len(parameters) > len(arguments) else [])])
        parts += [f"## {path}\n", f"```\n{usage}\n```\n", f"{_paragraphs(command.help)}\n"]
        rows = [(f"`{_flags(parameter)}`", parameter.help or "") for parameter in parameters]
        parts += _table(("argument or option", "meaning"), rows) if rows else []
    return "\n".join([*parts, "## Exit codes\n", *_table(("code", "name", "meaning"), _exit_codes())])


def _exit_codes() -> Iterator[tuple[str, ...]]:
    """The members of the enum with the text that stands under each, read from the source: members keep none."""
    from torneo.cli import Exit

    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(Exit))).body
    members: list[ast.stmt] = getattr(definition, "body", [])
    for member, below in itertools.pairwise([*members, ast.Pass()]):
        if isinstance(member, ast.Assign):
            code = Exit[ast.unparse(member.targets[0])]
            text = below.value if isinstance(below, ast.Expr) else ast.Constant("Done." if code == 0 else "")
            yield f"`{int(code)}`", code.name, str(ast.literal_eval(text))


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name, child in children.items():
        if not child.hidden:
            yield from _commands(f"{path} {name}", child)


def _flags(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.name).upper()
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return names if parameter.is_flag else f"{names} {VALUES[parameter.type_descriptor.annotation]}"


def _in_order(node: Schema, schema: Schema, seen: list[str]) -> list[str]:
    """The names of the definitions that a schema reaches, each once, depth first."""
    for field in node.get("properties", {}).values():
        for name in _references(field):
            if name not in seen and name not in WRITTEN:
                seen.append(name)
                _in_order(schema["$defs"][name], schema, seen)
    return seen


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if "$ref" in node:
            yield node["$ref"].rsplit("/", 1)[1]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _section(name: str, node: Schema, schema: Schema) -> list[str]:
    required = node.get("required", [])
    rows = [
        (f"`{key}`", _type(field), "**required**" if key in required else _default(field), _meaning(field, schema))
        for key, field in node.get("properties", {}).items()
    ]
    table = _table(("key", "value", "default", "meaning"), rows)
    return [f"## {name}\n", f"{_paragraphs(node.get('description'))}\n", *table]


def _meaning(field: Schema, schema: Schema) -> str:
    """The field's own description, or else that of the section it holds."""
    if "description" in field:
        return str(field["description"])
    return next((schema["$defs"][name]["description"] for name in _references(field)), "")


def _type(node: Schema) -> str:
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[1]
        return WRITTEN.get(name, f"[{name}](#{name.lower()})")
    if "enum" in node or "const" in node:
        return " \\| ".join(f"`{value}`" for value in node.get("enum", [node.get("const")]))
    if "anyOf" in node:
        types = dict.fromkeys(_type(branch) for branch in node["anyOf"] if branch.get("type") != "null")
        return " or ".join(name for name in types if not (name == "whole number" and "number" in types))
    if node.get("type") == "array":
        return f"list of {_type(node['items'])}"
    if node.get("type") == "object":
        return f"name: {_type(node.get('additionalProperties', {}))}"
    if _is_share(node):
        return "share (`20%`, `0.2`)"
    return FORMATS.get(node.get("format", "")) or TYPES.get(node.get("type", ""), "any") + _bounds(node)


def _is_share(node: Schema) -> bool:
    highest = [node[key] for key in ("maximum", "exclusiveMaximum") if key in node]
    return node.get("type") == "number" and highest == [1]


def _bounds(node: Schema) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">"}
    return "".join(f" {sign} {node[key]:g}" for key, sign in signs.items() if key in node)


def _default(node: Schema) -> str:
    return "see there" if "$ref" in node else _shown(node.get("default"))


def _shown(value: Any) -> str:
    if value is None or value in ([], {}):
        return ""
    text = str(value) if isinstance(value, str | Path) else json.dumps(value, ensure_ascii=False)
    return f"`{text}`"


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split())


def _paragraphs(text: str | None) -> str:
    return "\n\n".join(_sentence(part) for part in (text or "").split("\n\n"))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, ("---",) * len(head), *rows]
    return [*("| " + " | ".join(_sentence(cell) for cell in line) + " |" for line in lines), ""]


def http_page() -> str:
    """Every operation of the server, with the scope that its key needs."""
    from torneo.http.app import routed
    from torneo.http.openapi import PROBLEMS, TAGS, base_description, predict_operations
    from torneo.http.routes_history import Wanted

    base = base_description(routed(lambda: None))
    items = [*predict_operations(), *base["paths"].items()]
    operations: dict[tuple[str, ...], list[str]] = {}
    for path, method, each in ((path, method, each) for path, item in items for method, each in item.items()):
        same = (each["tags"][0], _scope(each), " ".join(each["description"].split()))
        operations.setdefault(same, []).append(f"`{method.upper()} {path}`")
    parts = [NOTE, "# HTTP: every operation\n", *HTTP_WORDS]
    for tag in TAGS:
        rows = [
            ("<br>".join(sorted(paths, key=lambda path: "{project}" not in path)), scope, words)
            for (its, scope, words), paths in operations.items()
            if its == tag
        ]
        parts += [f"## {tag.capitalize()}\n", *_table(("operation", "scope", "what it does"), rows)]
    filters = [(f"`{name}`", field.description or "") for name, field in Wanted.model_fields.items()]
    parts += ["## Filters of the history\n", *_table(("parameter", "meaning"), filters)]
    problems = [(f"`{status}`", words) for status, words in PROBLEMS.items()]
    return "\n".join([*parts, "## Problems\n", *_table(("status", "meaning"), problems)])


def _scope(operation: Schema) -> str:
    scopes = [scope for way in operation.get("security", ()) for each in way.values() for scope in each or ("any",)]
    optional = {} in operation.get("security", ())
    return "none" if optional or not operation.get("security") else scopes[0]


PAGES = {"project.md": project_page, "settings.md": settings_page, "cli.md": cli_page, "http.md": http_page}
"""The reference pages by file name."""

if __name__ == "__main__":
    for file, page in PAGES.items():
        (REFERENCE / file).write_text(page(), encoding="utf-8")
