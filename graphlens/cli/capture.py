"""``graphlens capture``: a model's graph, saved."""

from __future__ import annotations

import argparse

from graphlens import api, registry
from graphlens.cli import arguments as common
from graphlens.cli import models, output
from graphlens.cli.progress import Progress


def add(commands: common.Commands) -> None:
    """Add the subcommand."""
    made = common.add(commands, "capture", "capture a model and save its graph", call)
    common.add_model(made)
    common.add_output(made, "the graph: .json (weights beside it) or .onnx")
    common.add_json(made)


def call(arguments: argparse.Namespace) -> None:
    """Carry it out."""
    common.check_format(arguments.output, registry.entries(registry.WRITERS))
    with Progress() as progress:
        graph = models.capture(arguments.model, arguments, progress)
        progress.say(f"saving {arguments.output}")
        api.save(graph, arguments.output)
    content = {
        "model": arguments.model,
        "nodes": len(graph),
        "edges": graph.number_of_edges(),
        "inputs": {name: str(graph.node(name).results[0]) for name in graph.inputs},
        "graph": arguments.output,
    }
    output.report(arguments.json, content, f"{arguments.output}: {output.described(graph)}")
