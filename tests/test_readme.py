"""The README against the tree: its links lead somewhere, its commands are ones, its names exist."""

import re
import shlex
from pathlib import Path

import pytest

import graphlens
from graphlens.cli.command import parser

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^\$ (graphlens .*)$", TEXT, re.MULTILINE)
PAGES = sorted((ROOT / "gallery" / "pages").glob("plot_*.py"))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_to_files_lead_to_files(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_there_are_commands_to_check():
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_line_takes_each_command(command):
    words = shlex.split(command, comments=True)[1:]
    assert parser().parse_args(words).command == words[0]


def test_names_of_the_package_exist():
    names = set(re.findall(r"graphlens\.([a-z_]+)\(", TEXT))
    assert names
    assert names <= set(graphlens.__all__)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_of_the_gallery_names_things_of_the_package_that_exist(page):
    names = set(re.findall(r"\bgraphlens\.([a-z_]+)\(", page.read_text()))
    assert names <= set(graphlens.__all__)
