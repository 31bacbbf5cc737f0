"""What an op is, from its documentation, in few words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from graphlens.ir import Node
from graphlens.ops.schema import schema
from graphlens.view.page_data import Schema

_SUMMARY, _LINE = 600, 240


def schemas(ops: Iterable[tuple[str, str]]) -> tuple[Schema, ...]:
    """The schemas of those of the ops (name, domain) that ONNX has."""
    return tuple(held for op, domain in sorted(ops) if (held := _schema(op, domain)) is not None)


def operand_names(node: Node, count: int) -> Iterator[str]:
    """What ONNX calls each of so many operands of a node; ``''`` for those of no op of ONNX's."""
    found = schema(node.op, node.domain)
    names = [held.name for held in found.inputs] if found is not None else []
    for index in range(count):
        yield names[min(index, len(names) - 1)] if names else ""


def _schema(op: str, domain: str) -> Schema | None:
    found = schema(op, domain)
    if found is None:
        return None
    return Schema(
        op=f"{domain}.{op}" if domain else op,
        summary=_line(found.doc or "", _SUMMARY),
        operands=tuple((held.name, _line(held.description)) for held in found.inputs),
        results=tuple((held.name, _line(held.description)) for held in found.outputs),
        attributes=tuple(
            (name, _line(held.description)) for name, held in sorted(found.attributes.items())
        ),
    )


def _line(text: str, limit: int = _LINE) -> str:
    """The first paragraph of a documentation, as one line."""
    paragraph = re.split(r"\n\s*\n", text.strip(), maxsplit=1)[0]
    line = " ".join(paragraph.split()).replace("`", "")
    return line if len(line) <= limit else f"{line[:limit].rpartition(' ')[0]} …"
