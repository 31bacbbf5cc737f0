"""Where a node comes from, as ONNX metadata, so that a saved graph keeps it."""

from __future__ import annotations

import json

from graphlens.ir.node import CONST, OURS, Node

METADATA = "graphlens"
"""The metadata key of the model that holds the Graph's own attributes as JSON."""

SCOPE, SOURCE, ORIGINS, OP = (f"graphlens.{key}" for key in ("scope", "source", "origins", "op"))


def node_metadata(name: str, node: Node) -> dict[str, str]:
    """What is known of a node beyond what ONNX itself says."""
    held: dict[str, str] = {}
    if node.scope:
        held[SCOPE] = node.scope
    if any(node.source):
        held[SOURCE] = json.dumps(node.source)
    if node.origins != (name,):
        held[ORIGINS] = json.dumps(node.origins)
    if node.domain == OURS and node.op == CONST:
        held[OP] = CONST
    return held
