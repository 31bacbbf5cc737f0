"""``graphlens diff``: what differs between two models."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from graphlens import api
from graphlens.cli import arguments as common
from graphlens.cli import models, output
from graphlens.cli.progress import Progress

if TYPE_CHECKING:
    from graphlens.ir import Graph

_SIGNS = re.compile(r"[:/\\\\]")
"""What stands between the parts of what names a model: a module and its class, folders."""


def add(commands: common.Commands) -> None:
    """Add the subcommand."""
    made = common.add(commands, "diff", "compare two models, as text and as a picture", call)
    common.add_model(made, "before", "after")
    common.add_output(made, "the picture of what differs", required=False)
    common.add_folding(made)
    common.add_overlay(made, [name for name in common.MEASURES if name != "time"])
    common.add_json(made)


def call(arguments: argparse.Namespace) -> None:
    """Carry it out."""
    common.check_picture(arguments)
    with Progress() as progress:
        before = models.capture(arguments.before, arguments, progress)
        after = models.capture(arguments.after, arguments, progress)
        _named(before, after, arguments)
        progress.say("comparing")
        found = api.diff(before, after)
        same = api.equivalent(before, after)
        if arguments.output:
            progress.say(f"drawing {arguments.output}")
            api.draw(found, arguments.output, **common.folding(arguments))
    content = {
        "models": [arguments.before, arguments.after],
        "equivalent": same,
        **found.to_dict(),
        "picture": arguments.output,
    }
    verdict = "one graph in canonical form" if same else "two different graphs in canonical form"
    output.report(arguments.json, content, f"{found}\n{verdict}".lstrip())


def _named(before: Graph, after: Graph, arguments: argparse.Namespace) -> None:
    """Call two models of one class by what tells them apart in the command."""
    told = [_SIGNS.split(text)[-1] for text in (arguments.before, arguments.after)]
    if before.name == after.name and told[0] != told[1]:
        before.name, after.name = told
