"""The shared IR: Graph, Node, Value, their invariants, text form and JSON."""

from graphlens.ir.check import check
from graphlens.ir.edit import Editor
from graphlens.ir.graph import Graph, walk
from graphlens.ir.node import (
    CONST,
    FIELDS,
    INPUT,
    OURS,
    OUTPUT,
    PARAM,
    REGION,
    STRUCTURAL,
    Attribute,
    Node,
    Source,
    User,
    Value,
)
from graphlens.ir.text import parse, to_text

__all__ = [
    "CONST",
    "FIELDS",
    "INPUT",
    "OURS",
    "OUTPUT",
    "PARAM",
    "REGION",
    "STRUCTURAL",
    "Attribute",
    "Editor",
    "Graph",
    "Node",
    "Source",
    "User",
    "Value",
    "check",
    "parse",
    "to_text",
    "walk",
]
