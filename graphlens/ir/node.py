"""What one node of a Graph carries: op, attributes, result types, where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, NamedTuple

from graphlens.tensor import TensorType

if TYPE_CHECKING:
    from graphlens.ir.graph import Graph

Attribute = None | bool | int | float | str | bytes | TensorType | tuple["Attribute", ...]
"""What an attribute may hold: plain, immutable, comparable values. ONNX's element types are dtype
names (``to='float32'``); lists are tuples."""

OURS = "graphlens"
"""The domain of our own ops: the structural ones and the few that ONNX lacks."""

ARENA = "arena"
"""The key of ``graph.graph`` under which a graph carries its memory plan, as plain data."""

INPUT, PARAM, CONST, OUTPUT, REGION = "Input", "Param", "Const", "Output", "Region"
STRUCTURAL = frozenset({INPUT, PARAM, CONST, OUTPUT})


class Value(NamedTuple):
    """One tensor of a Graph: which node makes it, and which of that node's results it is."""

    node: str
    result: int = 0


class User(NamedTuple):
    """One reading of a value: which node reads it, as which operand."""

    node: str
    operand: int


class Source(NamedTuple):
    """Where a node comes from in the framework: its op there, and the user's file and line."""

    op: str = ""
    file: str = ""
    line: int = 0


_NOWHERE = Source()


@dataclass(frozen=True, slots=True)
class Node:
    """One operation.

    Attributes:
        op: The ONNX operator name, one of our extensions, or the framework's own name.
        domain: ``''`` for ONNX, ``'graphlens'`` for ours, else ``'com.microsoft'``, ``'aten'`` ...
        attributes: Plain values; an attribute at its ONNX default may be left out.
        results: The type of each result.
        scope: Path of the module that ran the op, dots between the parts (``'layer1.0.conv1'``).
        source: The framework's op and the user's line.
        origins: Names of the captured nodes that this one stands for: itself at capture, the
            union of those it replaced after a rewrite.
        regions: Bodies by name (``then_branch``, ``body`` ...). A region is closed: it reads no
            value from outside but through its Inputs, which are the formals that the op defines,
            then one for each captured outer value; those are the node's last operands. How many
            they are is the attribute ``captures`` of a Loop or Scan (an If's are all operands
            but the condition), for the count of operands does not tell. All regions of a node
            take the same captured values.
    """

    op: str
    domain: str = ""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    results: tuple[TensorType, ...] = ()
    scope: str = ""
    source: Source = _NOWHERE
    origins: tuple[str, ...] = ()
    regions: Mapping[str, Graph] = field(default_factory=dict)

    @property
    def qualified(self) -> str:
        """The op with its domain, where that is not ONNX's: ``'Conv'``, ``'aten.foo'``."""
        return f"{self.domain}.{self.op}" if self.domain else self.op

    @property
    def is_structural(self) -> bool:
        """Whether it is an Input, Param, Const or Output: nothing that computes."""
        return self.domain == OURS and self.op in STRUCTURAL


FIELDS = tuple(entry.name for entry in fields(Node))
"""The keys of every node's attribute dict, no more and no fewer."""
