"""What is written of an operation: its line in a box, and everything for who points at it."""

from __future__ import annotations

from graphlens.ir import OURS, Node
from graphlens.ops import facts
from graphlens.view import words
from graphlens.view.detail import detail
from graphlens.view.diagram import Row
from graphlens.view.operand import Operands, parameters


def row(name: str, node: Node, reads: Operands) -> Row:
    """The line that stands for an operation."""
    params = parameters(reads)
    said = detail(node, reads)
    return Row(
        node.op if node.domain in ("", OURS, "ai.onnx.ml") else node.qualified,
        ", ".join(filter(None, said)) if said else "",
        words.count(params) if params else "",
        facts(node.op, node.domain).category,
        title=_title(name, node, reads),
        scope=node.scope,
    )


def _title(name: str, node: Node, reads: Operands) -> str:
    said = f"{name}: {node.qualified}"
    for key, value in node.attributes.items():
        said += f"\n  {key} = {value}"
    for read in reads:
        if read:
            said += f"\n  reads {read.name}: {words.held(read.held)}"
    for held in node.results:
        said += f"\n  gives {words.held(held)}"
    if node.scope:
        said += f"\n  in {node.scope}"
    if node.source.file:
        said += f"\n  at {node.source.file}:{node.source.line}"
    if node.origins not in ((), (name,)):
        said += f"\n  from {', '.join(node.origins[:20])}"
    return said
