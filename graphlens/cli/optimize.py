"""``graphlens optimize``: before and after, step by step, with the evidence of each."""

from __future__ import annotations

import argparse

from graphlens import api, registry
from graphlens.cli import arguments as common
from graphlens.cli import models, output
from graphlens.cli.progress import Progress


def add(commands: common.Commands) -> None:
    """Add the subcommand."""
    made = common.add(commands, "optimize", "optimise a model and show what changed", call)
    common.add_model(made)
    common.add_output(made, "the picture of before and after", required=False)
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
            progress.say(f"drawing {arguments.output}")
            api.draw(history, arguments.output)
        if arguments.save:
            progress.say(f"saving {arguments.save}")
            api.save(history.after, arguments.save)
    content = {"graphlens": registry.version(), **history.report(), "model": arguments.model}
    output.report(arguments.json, content, str(history))
