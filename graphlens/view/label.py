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
    return Row(
        text=node.op if node.domain in ("", OURS, "ai.onnx.ml") else node.qualified,
        detail=", ".join(filter(None, detail(node, reads))),
        note=words.count(params) if params else "",
        style=facts(node.op, node.domain).category,
        title=_title(name, node, reads),
    )


def _title(name: str, node: Node, reads: Operands) -> str:
    lines = [f"{name}: {node.qualified}"]
    lines += [f"  {key} = {value}" for key, value in node.attributes.items()]
    lines += [f"  reads {read.name}: {words.held(read.held)}" for read in reads if read]
    lines += [f"  gives {words.held(held)}" for held in node.results]
    if node.scope:
        lines.append(f"  in {node.scope}")
    if node.source.file:
        lines.append(f"  at {node.source.file}:{node.source.line}")
    if node.origins not in ((), (name,)):
        lines.append(f"  from {', '.join(node.origins[:20])}")
    return "\n".join(lines)
