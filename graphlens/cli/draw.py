"""``graphlens draw``: a picture of what a model computes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from graphlens import api
from graphlens.cli import arguments as common
from graphlens.cli import models, output
from graphlens.cli.progress import Progress

if TYPE_CHECKING:
    from graphlens.ir.graph import Graph


def add(commands: common.Commands) -> None:
    """Add the subcommand."""
    made = common.add(commands, "draw", "draw a model as a graph", call)
    common.add_model(made)
    common.add_output(made, "the picture: .svg, .png, .pdf, .dot or .txt")
    common.add_passes(made, "run these passes first, without proof, such as canonicalize")
    common.add_folding(made)
    common.add_overlay(made, common.MEASURES)
    made.add_argument(
        "--profile",
        action="store_true",
        help="run the model and measure every operation; colour boxes by their time",
    )
    made.add_argument(
        "--shapes",
        choices=("changed", "all", "none"),
        help="where shapes are said: on arrows where they change (the default), in every box, "
        "or nowhere",
    )
    made.add_argument(
        "--source-url",
        metavar="URL",
        help="link boxes to their source: an address with {file} and {line} in it",
    )
    common.add_json(made)


def call(arguments: argparse.Namespace) -> None:
    """Carry it out."""
    common.check_picture(arguments)
    with Progress() as progress:
        graph = models.after_passes(arguments, progress)
        api.draw(graph, arguments.output, **_choices(graph, arguments, progress))
    content = {
        "model": arguments.model,
        "nodes": len(graph),
        "edges": graph.number_of_edges(),
        "picture": arguments.output,
    }
    output.report(arguments.json, content, f"{arguments.output}: {output.described(graph)}")


def _choices(graph: Graph, arguments: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """The choices that were made, by the names that the view gives them."""
    found = common.folding(arguments)
    if arguments.profile or arguments.color_by == "time":
        progress.say(f"measuring {arguments.model}")
        found |= {"profile": api.profile(graph), "color_by": "time"}
    if arguments.shapes:
        found["shapes"] = arguments.shapes
    if arguments.source_url:
        found["source_url"] = arguments.source_url
    progress.say(f"drawing {arguments.output}")
    return found
