"""Names in TorchScript's source: what statements assign and read, dotted names."""

from __future__ import annotations

import ast
from collections.abc import Sequence


def dotted(node: ast.expr) -> str:
    """``'torch.add'`` of an expression that is a dotted name, else the empty string."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def assigned(body: Sequence[ast.stmt]) -> set[str]:
    """The variables that statements assign in every case, inner branches among them."""
    found: set[str] = set()
    for one in body:
        if isinstance(one, ast.Assign):
            found |= {
                name.id
                for target in one.targets
                for name in ast.walk(target)
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
            }
        elif isinstance(one, ast.If):
            found |= assigned(one.body) & assigned(one.orelse)
        elif isinstance(one, ast.While | ast.For | ast.With):
            found |= assigned(one.body)
    return found
