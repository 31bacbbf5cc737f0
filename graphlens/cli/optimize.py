"""``graphlens optimize``: before and after, step by step, with the evidence of each."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from graphlens import api, registry
from graphlens.cli import arguments as common
from graphlens.cli import draw, models, output
from graphlens.cli.progress import Progress

if TYPE_CHECKING:
    from graphlens.passes.history import History


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
    draw.add_choices(made)
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
            api.draw(history, arguments.output, **draw.choices(arguments))
        if arguments.save:
            progress.say(f"saving {arguments.save}")
            api.save(history.after, arguments.save)
    output.report(arguments.json, content(arguments.model, history), text(history))


def content(model: str, history: History) -> dict[str, Any]:
    """The history as plain data, for a JSON report."""
    return {
        "graphlens": registry.version(),
        "model": model,
        "steps": [
            {"name": step.name, **dataclasses.asdict(step.evidence)} for step in history.steps
        ],
    }


def text(history: History) -> str:
    """The history as a table, one line a step."""
    heads = ("step", "nodes", "kernels", "FLOPs", "traffic", "peak", "error", "proof", "seconds")
    rows = [(step.name, *_cells(step.evidence)) for step in history.steps]
    return output.table(heads, rows)


def _cells(evidence: Any) -> tuple[str, ...]:
    error = evidence.max_abs_error
    return (
        str(evidence.nodes),
        str(evidence.kernels),
        output.amount(evidence.flops),
        output.amount(evidence.traffic_bytes, "B"),
        output.amount(evidence.peak_bytes, "B"),
        "-" if error is None else f"{error:.1e}",
        evidence.status,
        f"{evidence.seconds:.2f}",
    )
