"""``graphlens list``: the front ends, passes and operations that there are."""

from __future__ import annotations

import argparse
from typing import Any

from graphlens import registry
from graphlens.cli import arguments as common
from graphlens.cli import output

_TAKES = {
    "torch.fx": "a GraphModule, or a module that torch.fx can trace",
    "torch.jit": "a traced or scripted module, or a module and inputs",
    "torch.export": "an ExportedProgram, or a module and inputs",
    "torch.eager": "anything that can be called: one run of it is recorded",
    "torch.autograd": "the same, with the backward graph that torch keeps of the run",
    "tf": "a tf.Graph, tf.function, ConcreteFunction or GraphDef",
    "keras": "a Keras 3 model",
    "onnx": "an ONNX file or ModelProto",
}


def add(commands: common.Commands) -> None:
    """Add the subcommand."""
    made = common.add(commands, "list", "list the front ends, passes or operations", call)
    made.add_argument("kind", choices=("frontends", "ops", "passes"))
    common.add_json(made)


def call(arguments: argparse.Namespace) -> None:
    """Carry it out."""
    rows = {"frontends": _frontends, "ops": _ops, "passes": _passes}[arguments.kind]()
    text = output.columns(tuple(rows[0]), [tuple(map(str, row.values())) for row in rows])
    output.report(arguments.json, {arguments.kind: rows}, text)


def _frontends() -> list[dict[str, Any]]:
    return [
        {
            "front end": name,
            "installed": "yes" if registry.available(where) else "no",
            "takes": _TAKES.get(name, f"(plug-in {where})"),
        }
        for name, where in registry.entries(registry.FRONTENDS).items()
    ]


def _passes() -> list[dict[str, Any]]:
    default = registry.load("graphlens.passes:DEFAULT")
    return [
        {
            "pass": name,
            "default": str(default.index(name) + 1) if name in default else "-",
            "does": _summary(registry.find(registry.PASSES, name)),
        }
        for name in registry.entries(registry.PASSES)
    ]


def _ops() -> list[dict[str, Any]]:
    facts = registry.load("graphlens.ops:facts")
    return [
        {"op": f"{domain}.{op}" if domain else op, "category": facts(op, domain).category}
        for domain, op in registry.load("graphlens.ops.schema:vocabulary")()
    ]


def _summary(function: Any) -> str:
    return next(iter((function.__doc__ or "").strip().splitlines()), "")
