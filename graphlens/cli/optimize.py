"""``graphlens optimize``: before and after, step by step, with the evidence of each."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from graphlens import api, registry
from graphlens.cli import arguments as common
from graphlens.cli import models, output
from graphlens.cli.progress import Progress

if TYPE_CHECKING:
    from graphlens.passes.history import History


def add(commands: common.Commands) -> None:
    """Add the subcommand."""
    made = common.add(commands, "optimize", "optimise a model and show what changed", call)
    common.add_model(made)
    common.add_output(made, "the picture of before and after", required=False)
    common.add_folding(made)
    common.add_overlay(made, [name for name in common.MEASURES if name != "time"])
    shown = made.add_mutually_exclusive_group()
    shown.add_argument(
        "--strip", action="store_true", help="draw a film-strip: the graph after every pass"
    )
    shown.add_argument(
        "--each",
        action="store_true",
        help="draw one picture for each pass too, NAME.1-fuse.svg beside NAME.svg",
    )
    shown.add_argument(
        "--threads", action="store_true", help="tie every group to its members before"
    )
    common.add_passes(made, "which passes, in order (graphlens list passes); by default all")
    made.add_argument(
        "--no-prove", action="store_true", help="do not run the graphs to prove every step"
    )
    made.add_argument(
        "--save", type=common.writable, metavar="FILE", help="the optimised graph: .onnx or .json"
    )
    common.add_json(made)


def call(arguments: argparse.Namespace) -> None:
    """Carry it out."""
    common.check_picture(arguments)
    if arguments.save:
        common.check_format(arguments.save, registry.entries(registry.WRITERS))
    with Progress() as progress:
        graph = models.capture(arguments.model, arguments, progress)
        progress.say("optimising")
        history = api.optimize(
            graph,
            [arguments.passes] if arguments.passes else None,
            prove=not arguments.no_prove,
            on_step=lambda step: progress.say(f"{step.name} done"),
        )
        if arguments.output:
            _draw(history, arguments, progress)
        if arguments.save:
            progress.say(f"saving {arguments.save}")
            api.save(history.after, arguments.save)
    content = {"graphlens": registry.version(), **history.report(), "model": arguments.model}
    output.report(arguments.json, content, str(history))


def _draw(history: History, arguments: argparse.Namespace, progress: Progress) -> None:
    """The pictures asked for."""
    choices = common.folding(arguments)
    progress.say(f"drawing {arguments.output}")
    kind = {"strip": True} if arguments.strip else {"threads": True} if arguments.threads else {}
    api.draw(history, arguments.output, **choices, **kind)
    changed = [step for step in history.steps if step.changed] if arguments.each else []
    path = Path(arguments.output)
    for number, step in enumerate(changed, 1):
        one = path.with_suffix(f".{number}-{step.name}{path.suffix}")
        progress.say(f"drawing {one}")
        api.draw(step, one, **choices)
