"""The project's own files: what is declared is pinned, and what make does is explained."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()
BY_OTHER_NAMES = {"tensorflow": "tensorflow-cpu"}


def name_of(requirement):
    """A requirement's package, spelt as pip normalises it."""
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")


def declared():
    """Every package that the project says it needs."""
    project = PROJECT["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    lists += PROJECT["dependency-groups"].values()
    names = {name_of(each) for held in lists for each in held}
    return {BY_OTHER_NAMES.get(name, name) for name in names} - {"graphlens"}


def test_every_package_that_is_declared_is_pinned():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {name_of(line) for line in lines if not line.startswith("#")}
    assert declared() <= pinned


def test_the_extra_of_everything_names_every_other_extra():
    extras = PROJECT["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    assert set(everything[len("graphlens[") : -1].split(",")) == extras.keys() - {"all"}


def test_every_target_of_make_says_what_it_does():
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    explained = re.findall(r"^(\w+):.*## \S", MAKEFILE, re.MULTILINE)
    assert set(phony.split()) == set(explained)


def test_every_module_says_what_it_is_for_in_its_first_line():
    for path in (ROOT / "graphlens").rglob("*.py"):
        first = path.read_text().partition("\n")[0]
        assert first.startswith('"""'), path
