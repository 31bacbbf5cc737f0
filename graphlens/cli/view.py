"""``graphlens view``: a model as an interactive page, in a file or served to the browser."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphlens import api
from graphlens.cli import arguments as common
from graphlens.cli import models, output, serve
from graphlens.cli.progress import Progress
from graphlens.errors import UsageError

if TYPE_CHECKING:
    from graphlens.ir.graph import Graph


def add(commands: common.Commands) -> None:
    """Add the subcommand."""
    made = common.add(commands, "view", "look at a model in the browser", call)
    common.add_model(made)
    made.add_argument(
        "other", metavar="OTHER", nargs="?", help="a second model, to be held beside the first"
    )
    common.add_output(made, "the page: .html, one file that needs no network", required=False)
    made.add_argument(
        "--serve",
        type=int,
        nargs="?",
        const=0,
        metavar="PORT",
        help="serve the page at 127.0.0.1 and open the browser; by default at any free port",
    )
    common.add_passes(made, "run these passes first, and show each of them, such as fuse")
    made.add_argument("--optimize", action="store_true", help="run all passes, and show each")
    made.add_argument(
        "--prove", action="store_true", help="run the graph of every pass to prove it the same"
    )
    common.add_overlay(
        made,
        common.MEASURES,
        "what boxes are coloured by when the page opens; the page has a choice of them",
    )
    made.add_argument(
        "--weight-values",
        choices=("some", "all", "none"),
        default="some",
        help="whose values are summed up for who clicks a weight: by default those of weights of "
        "up to 4 million numbers",
    )
    made.add_argument(
        "--profile",
        action="store_true",
        help="run the model, after each pass too, and measure every operation",
    )
    common.add_json(made)


def call(arguments: argparse.Namespace) -> None:
    """Carry it out."""
    if arguments.output is None and arguments.serve is None:
        raise UsageError("nowhere to put the page: say -o page.html, --serve, or both")
    if arguments.output is not None and Path(arguments.output).suffix.lower() != ".html":
        raise UsageError(f"a page is an .html file, found {arguments.output!r}")
    if arguments.other is not None and (arguments.passes or arguments.optimize):
        raise UsageError("passes are shown of one model: leave out either them or the second model")
    if arguments.serve is not None:  # better known before the work than after
        serve.server(b"", arguments.serve).server_close()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.output or str(Path(folder) / "page.html")
        with Progress() as progress:
            thing, graphs = _shown(arguments, progress)
            choices = _choices(arguments, graphs, progress)
            progress.say("making the page")
            api.draw(thing, path, **choices)
        if arguments.output:
            content = {"model": arguments.model, "page": path, "bytes": Path(path).stat().st_size}
            output.report(arguments.json, content, f"{path}: open it in a browser")
        if arguments.serve is not None:
            serve.serve(Path(path), arguments.serve, lambda text: print(text, file=sys.stderr))


def _shown(arguments: argparse.Namespace, progress: Progress) -> tuple[Any, list[Graph]]:
    """What the page is of, and the graphs that it shows."""
    graph = models.capture(arguments.model, arguments, progress)
    if arguments.other is not None:
        other = models.capture(arguments.other, arguments, progress)
        progress.say("comparing")
        return api.diff(graph, other), [graph, other]
    if not arguments.passes and not arguments.optimize:
        return graph, [graph]
    history = api.optimize(
        graph,
        [arguments.passes] if arguments.passes else None,
        prove=arguments.prove,
        on_step=lambda step: progress.say(f"{step.name} done"),
    )
    return history, [graph, *(step.after for step in history.steps if step.changed)]


def _choices(
    arguments: argparse.Namespace, graphs: Sequence[Graph], progress: Progress
) -> dict[str, Any]:
    """The choices that were made, by the names that the page gives them."""
    found: dict[str, Any] = {"weight_values": arguments.weight_values}
    if arguments.profile or arguments.color_by == "time":
        progress.say("measuring")
        profiles = [api.profile(graph) for graph in graphs]
        single = not arguments.other and not arguments.passes and not arguments.optimize
        found |= {"profile": profiles[0]} if single else {"profiles": profiles}
        found["color_by"] = "time"
    return found | common.colours(arguments)
