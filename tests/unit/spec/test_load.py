"""project.yaml to a project: every mistake at once, at its place, with what was meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torneo.errors import NotFoundError, SpecError
from torneo.spec.load import Document, load, parse, validate
from torneo.spec.project import Project

SPECS = sorted((Path(__file__).parent / "specs").glob("*.yaml"))
GOOD = """\
project: ads
task: classification
target: bought
source: {uri: ads.csv}
contract: {columns: {age: {type: int}, bought: {type: category, values: [no, yes]}}}
"""
DESIGN = """\
project: housing
task: regression
target: MEDV
source: {uri: data/HousingData.csv}          # path, s3://, http(s)://, postgresql://… , sklearn:diabetes
contract:
  key: []                                     # columns that identify a row
  columns:
    CRIM: {type: float, min: 0, max: 100, nullable: true, unit: per capita, help: crime rate}
    CHAS: {type: category, values: [0, 1], nullable: true}
    MEDV: {type: float, min: 0, unit: 1000 USD}
  max_rejected: 5%                            # above it the run stops
prepare: {numeric: [impute: median, scale: standard], categorical: [impute: most_frequent, encode: onehot]}
split: {test: 20%, stratify: null, by_time: null, seed: 42}
challengers:
  tuned:            {model: xgboost, search: {sampler: random, trials: 50, folds: 5}}
  important:        {model: xgboost, select: {by: shap, keep: 10}}
  tuned-important:  {model: xgboost, select: {by: shap, keep: 10}, search: {sampler: tpe, trials: 50, folds: 5}}
judge: {metric: rmse, confidence: 95%, min_gain: 0, guardrails: {r2: "> 0.7", rmse: "< 5"}}
serve: {interval: 90%}
"""


def project_of(text: str) -> Project:
    return validate(parse(text, "project.yaml"), Project)


def mistakes_of(text: str) -> str:
    with pytest.raises(SpecError, match=r"project\.yaml:\d+:\d+: ") as caught:
        project_of(text)
    return str(caught.value)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_wrong_file_is_told_in_full(path: Path) -> None:
    with pytest.raises(SpecError, match=re.escape(path.name)) as caught:
        validate(parse(path.read_text(encoding="utf-8"), path.name), Project)
    assert f"{caught.value}\n" == path.with_suffix(".txt").read_text(encoding="utf-8")


def test_there_is_a_text_for_each_wrong_file() -> None:
    texts = {path.stem for path in (Path(__file__).parent / "specs").glob("*.txt")}
    assert texts == {path.stem for path in SPECS}
    assert len(texts) >= 10


def test_the_design_s_project_loads() -> None:
    project = project_of(DESIGN)
    assert project.features == ("CRIM", "CHAS")
    assert (project.contract.max_rejected, project.split.test, project.judge.confidence) == (0.05, 0.2, 0.95)
    assert [step.impute for step in project.prepare.numeric] == ["median", None]
    assert str(project.judge.guardrails["rmse"]) == "< 5"


def test_yes_no_on_and_off_are_text() -> None:
    columns = "{a: {type: category, values: [yes, No, on, OFF, y, n, true, False]}, b: {type: bool}}"
    project = project_of(GOOD.replace("{age:", "{x: " + columns[4:].split("}")[0] + "}, age:", 1))
    assert project.contract.columns["x"].values == ("yes", "No", "on", "OFF", "y", "n", True, False)
    assert project.classes == ("no", "yes")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("05", "05"),
        ("0", 0),
        ("-7", -7),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("0x1F", "0x1F"),
        ("1e-3", 0.001),
        ("-2.5E+3", -2500.0),
        (".5", 0.5),
        ("3.", 3.0),
        ("007.5", "007.5"),
        ("true", True),
        ("null", None),
        ('"7"', "7"),
    ],
)
def test_scalars_mean_what_they_look_like(written: str, meant: object) -> None:
    """Fault 16: `05` is not 5, here as in the data."""
    value = parse(f"a: {written}", "x.yaml").value["a"]
    assert value == meant
    assert type(value) is type(meant)


def test_keys_are_text() -> None:
    assert parse("{1: a, true: b, no: c, 2024-01-01: d, 05: e}", "x.yaml").value == {
        "1": "a",
        "true": "b",
        "no": "c",
        "2024-01-01": "d",
        "05": "e",
    }


def test_an_anchor_may_be_used_and_merged() -> None:
    document = parse("base: &base {a: 1}\nother: {<<: *base, b: 2}\nthird: *base\n", "x.yaml")
    assert document.value == {"base": {"a": 1}, "other": {"a": 1, "b": 2}, "third": {"a": 1}}


def test_aliases_that_expand_without_end_are_refused() -> None:
    bomb = "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
    for before, name in zip("abcdef", "bcdefg", strict=True):
        bomb += f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
    with pytest.raises(SpecError, match="more than 100,000 values, aliases expanded"):
        parse(bomb, "x.yaml")


@pytest.mark.parametrize("text", ["[" * 5000, "a: " + "{b: " * 60 + "1" + "}" * 60])
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match=r"nested (too deeply|deeper than 50 levels)"):
        parse(text, "x.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: \x07", "not valid YAML"),
        ("? [a]\n: b", "1:3: not valid YAML: found unhashable key"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
        ("a: 1\n--- \nb: 2", "not valid YAML: but found another document"),
        ("just text", "expected keys and values"),
    ],
)
def test_what_is_not_a_mapping_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        parse(text, "x.yaml")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="abc: {}[]&*,'\"\n-#|>?!%@05.e~<", max_size=60))
def test_any_text_is_a_document_or_a_mistake(text: str) -> None:
    said = ""
    try:
        document = parse(text, "x.yaml")
    except SpecError as error:
        said = str(error)
    assert said.startswith("x.yaml:") if said else isinstance(document, Document)


def test_an_unused_branch_of_a_union_makes_no_noise() -> None:
    told = mistakes_of(f"{GOOD}challengers: {{one: {{model: linear, parms: {{}}}}}}\n")
    assert told.count("project.yaml:") == 1
    assert "project.yaml:6:36: unknown key 'parms' (did you mean 'params'?)" in told


def test_a_mistake_in_an_unhelpful_place_shows_the_nearest_one() -> None:
    told = mistakes_of(f"{GOOD}split: {{stratify: nobody}}\n")
    assert told.splitlines() == [
        "project.yaml:6:19: split.stratify: there is no column 'nobody' in contract.columns",
        "    split: {stratify: nobody}",
        "                      ^",
    ]


def test_a_duplicate_key_is_a_mistake_even_where_the_rest_is_good() -> None:
    told = mistakes_of(f"{GOOD}target: bought\n")
    assert "project.yaml:6:1: 'target' is given twice, first in line 3" in told


def test_so_many_mistakes_are_counted() -> None:
    told = mistakes_of(GOOD + "".join(f"wrong{number}: 1\n" for number in range(30)))
    assert told.count("unknown key") == SpecError.shown
    assert told.endswith("… and 10 more")


def test_messages_are_bounded() -> None:
    told = mistakes_of(GOOD.replace("{uri: ads.csv}", "{uri: ads.csv, format: " + "x" * 5000 + "}"))
    assert max(len(line) for line in told.splitlines()) < 250


def test_a_byte_order_mark_and_windows_line_ends_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "project.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load(path).project == "ads"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"there is no project file .*project\.yaml\n  fix: torneo init"):
        load(tmp_path / "project.yaml")


def test_a_file_that_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "project.yaml"
    path.write_bytes("project: caf\xe9".encode("latin-1"))
    with pytest.raises(SpecError, match=r"project\.yaml:1:1: the file is not UTF-8 text \(byte 12\)"):
        load(path)


def test_a_column_that_nothing_makes_cannot_be_ignored(tmp_path: Path) -> None:
    path = tmp_path / "project.yaml"
    path.write_text(f"{GOOD}watch: {{drift: {{ignore: [age, aeg]}}}}\n", encoding="utf-8")
    with pytest.raises(SpecError, match=r"yaml:6:31: watch.drift.ignore.1: there is no column 'aeg' .*mean 'age'"):
        load(path)
    (tmp_path / "features.py").write_text("def features(frame):\n    return frame\n", encoding="utf-8")
    assert load(path).project == "ads"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("watch: null", "watch: expected keys and values, such as {window: 6h}; leave it out to watch what is usual"),
        ("watch: {notify: log}", "watch.notify: expected a list of channels, such as [log] or"),
        ("watch: {window: 5000}", "watch.window: expected a window such as 6h, 1d or 5000 rows, not 5000"),
    ],
)
def test_what_is_wanted_of_a_watch_is_said(written: str, message: str) -> None:
    assert message in mistakes_of(f"{GOOD}{written}\n")


@pytest.mark.parametrize(
    "written",
    [
        "watch: {window: 1x, notify: [{slack: 'https://hooks.example.org/hunter2'}]}",
        "watch:\n  notify:\n    - {email: {password: hunter2, password: hunter2}}",
        "watch:\n  notify: [{webhook: https://me:hunter2@host, x: [}]",
        "watch:\n  notify: [https://me:hunter2@host]",
        "watch:\n  notify: [{webhook: {a: hunter2}}]",
    ],
)
def test_a_secret_of_a_channel_is_never_shown(written: str) -> None:
    assert "hunter2" not in mistakes_of(f"{GOOD}{written}\n")
