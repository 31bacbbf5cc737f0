"""``graphlens view``: a model as an interactive page, in a file or served to the browser."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from graphlens import api
from graphlens.cli import arguments as common
from graphlens.cli import models, output, serve
from graphlens.cli.progress import Progress
from graphlens.errors import UsageError


def add(commands: common.Commands) -> None:
    """Add the subcommand."""
    made = common.add(commands, "view", "look at a model in the browser", call)
    common.add_model(made)
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
    common.add_json(made)


def call(arguments: argparse.Namespace) -> None:
    """Carry it out."""
    if arguments.output is None and arguments.serve is None:
        raise UsageError("nowhere to put the page: say -o page.html, --serve, or both")
    if arguments.output is not None and Path(arguments.output).suffix.lower() != ".html":
        raise UsageError(f"a page is an .html file, found {arguments.output!r}")
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.output or str(Path(folder) / "page.html")
        with Progress() as progress:
            thing = _shown(arguments, progress)
            progress.say("making the page")
            api.draw(thing, path)
        if arguments.output:
            content = {"model": arguments.model, "page": path, "bytes": Path(path).stat().st_size}
            output.report(arguments.json, content, f"{path}: open it in a browser")
        if arguments.serve is not None:
            serve.serve(Path(path), arguments.serve, lambda text: print(text, file=sys.stderr))


def _shown(arguments: argparse.Namespace, progress: Progress) -> Any:
    graph = models.capture(arguments.model, arguments, progress)
    if not arguments.passes and not arguments.optimize:
        return graph
    return api.optimize(
        graph,
        [arguments.passes] if arguments.passes else None,
        prove=arguments.prove,
        on_step=lambda step: progress.say(f"{step.name} done"),
    )
