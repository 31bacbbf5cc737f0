"""``graphlens draw``: a picture of what a model computes."""

from __future__ import annotations

import argparse
from typing import Any

from graphlens import api
from graphlens.cli import arguments as common
from graphlens.cli import models, output
from graphlens.cli.progress import Progress


def add(commands: common.Commands) -> None:
    """Add the subcommand."""
    made = common.add(commands, "draw", "draw a model as a graph", call)
    common.add_model(made)
    common.add_output(made, "the picture: .svg, .png, .pdf, .dot or .txt")
    common.add_passes(made, "run these passes first, without proof, such as canonicalize")
    made.add_argument(
        "--depth", type=int, metavar="N", help="show N levels of modules, and fold what is deeper"
    )
    made.add_argument("--flat", action="store_true", help="every operation, no module boxes")
    made.add_argument(
        "--expand",
        action="append",
        metavar="SCOPE",
        help="unfold this module (layer1.0); may be given more than once",
    )
    common.add_json(made)


def call(arguments: argparse.Namespace) -> None:
    """Carry it out."""
    with Progress() as progress:
        graph = models.capture(arguments.model, arguments, progress)
        if arguments.passes:
            progress.say(f"running {arguments.passes}")
            graph = api.optimize(graph, [arguments.passes], prove=False).after
        progress.say(f"drawing {arguments.output}")
        api.draw(graph, arguments.output, **_choices(arguments))
    content = {
        "model": arguments.model,
        "nodes": len(graph),
        "edges": graph.number_of_edges(),
        "picture": arguments.output,
    }
    output.report(arguments.json, content, f"{arguments.output}: {output.described(graph)}")


def _choices(arguments: argparse.Namespace) -> dict[str, Any]:
    """The choices that were made, by the names that the view gives them."""
    found: dict[str, Any] = {}
    if arguments.depth is not None:
        found["depth"] = arguments.depth
    if arguments.flat:
        found["flat"] = True
    if arguments.expand:
        found["expand"] = tuple(arguments.expand)
    return found
