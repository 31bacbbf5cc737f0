"""``graphlens memory``: where every intermediate tensor lies, and how much memory that takes."""

from __future__ import annotations

import argparse

from graphlens import api
from graphlens.cli import arguments as common
from graphlens.cli import models, output
from graphlens.cli.progress import Progress


def add(commands: common.Commands) -> None:
    """Add the subcommand."""
    made = common.add(commands, "memory", "plan the memory of a model and draw the plan", call)
    common.add_model(made)
    common.add_output(made, "the memory map: .svg, .png, .pdf or .txt", required=False)
    common.add_passes(made, "run these passes first, without proof, such as canonicalize,fuse")
    common.add_json(made)


def call(arguments: argparse.Namespace) -> None:
    """Carry it out."""
    common.check_picture(arguments)
    with Progress() as progress:
        graph = models.after_passes(arguments, progress)
        progress.say("planning memory")
        plan = api.plan_memory(graph)
        if arguments.output:
            progress.say(f"drawing {arguments.output}")
            api.draw(plan, arguments.output)
    content = {
        "model": arguments.model,
        "arena_bytes": plan.arena_bytes,
        "peak_live_bytes": plan.peak_live_bytes,
        "total_bytes": plan.total_bytes,
        "offsets": {
            f"{value.node}:{value.result}": offset for value, offset in plan.offsets.items()
        },
        "picture": arguments.output,
    }
    rows = (
        ("arena", output.amount(plan.arena_bytes, "B")),
        ("largest live set", output.amount(plan.peak_live_bytes, "B")),
        ("sum of all tensors", output.amount(plan.total_bytes, "B")),
    )
    output.report(arguments.json, content, output.table(("memory", "bytes"), rows))
