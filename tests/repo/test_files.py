"""What no tracked file may contain: machines, registries, secrets; and what the files must agree on."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement

import torneo
from repo.repository import ROOT, tracked_texts

# Written in pieces, so that this file does not contain what it looks for.
FORBIDDEN = {
    "a registry's host": r"(?:files\.python" + r"hosted|(?:test\.)?py" + r"pi|registry\.npm" + r"js|registry\.yarn"
    r"pkg)\.(?:org|com)",
    "a path of one machine": r"(?<![\w.])/(?:work|home/\w+|root|Users/\w+)" + r"/[\w.]",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE " + r"KEY-----",
    "an access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bsk-[A-Za-z0-9_-]{32,}",
    "a password in a URL": r"://[\w.-]+:(?!\{|\$|\\?\*|…|<|secret@|s3cret@|password@|hunter2@|p%40ss)[^\s/@:'\"`]{6,}@",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_contains(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in tracked_texts().items()
        if pattern.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a registry's host", "https://py" + "pi.org/simple"),
        ("a path of one machine", "open('/root" + "/data.csv')"),
        ("a private key", "-----BEGIN RSA PRIVATE " + "KEY-----"),
        ("an access key", "AKIA" + "ABCDEFGHIJKLMNOP"),
        ("a password in a URL", "postgresql://user:" + "correcthorse@db/x"),
    ],
)
def test_the_search_finds_what_it_looks_for(what: str, text: str) -> None:
    assert re.search(FORBIDDEN[what], text)


def test_the_changelog_is_about_this_version() -> None:
    headings = re.findall(r"^## \[(.+?)\]", tracked_texts()["CHANGELOG.md"], flags=re.MULTILINE)
    assert headings[0] == "Unreleased"
    project = tomllib.loads(tracked_texts()["pyproject.toml"])["project"]
    assert project["version"] == torneo.__version__
    assert (headings[1:] or [torneo.__version__])[0] == torneo.__version__


def test_the_lock_fulfils_what_the_project_declares() -> None:
    project = tomllib.loads(tracked_texts()["pyproject.toml"])
    declared = [
        *project["project"]["dependencies"],
        *(line for extra in project["project"]["optional-dependencies"].values() for line in extra),
        *project["dependency-groups"]["dev"],
    ]
    locked: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", tracked_texts()["requirements.lock"], flags=re.MULTILINE):
        locked.setdefault(name, []).append(version)
    for requirement in map(Requirement, declared):
        versions = locked.get(re.sub(r"[-_.]+", "-", requirement.name).lower(), [])
        assert versions, f"{requirement.name} is not in requirements.lock: make lock"
        assert all(version in requirement.specifier for version in versions), f"{requirement}: {versions}: make lock"


def test_every_locked_package_has_its_digest() -> None:
    entries = re.split(r"^(?=[\w.-]+==)", tracked_texts()["requirements.lock"], flags=re.MULTILINE)[1:]
    assert len(entries) > 100
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/tutorial.md", "docs/how-to.md"])
def test_the_commands_that_pages_name_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", tracked_texts()["Makefile"], flags=re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", tracked_texts()[page], flags=re.MULTILINE))
    assert named - targets == set()


def test_the_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{name}: {target}"
        for name, text in tracked_texts().items()
        if name.endswith(".md")
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text)
        if not (ROOT / name).parent.joinpath(target).exists()
    ]
    assert broken == []
