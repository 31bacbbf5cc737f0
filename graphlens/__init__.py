"""graphlens: see what a neural network computes, what an optimisation changed, what it saved.

The names below load what they need when they are first used, so that ``import graphlens`` costs
milliseconds and needs no framework.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphlens import display, registry

if TYPE_CHECKING:
    from graphlens.api import (
        capture,
        diff,
        draw,
        equivalent,
        load,
        optimize,
        plan_memory,
        profile,
        prove,
        run,
        save,
        specialize,
    )
    from graphlens.errors import GraphlensError
    from graphlens.ir.graph import Graph
    from graphlens.tensor import TensorType

__all__ = [
    "Graph",
    "GraphlensError",
    "TensorType",
    "capture",
    "diff",
    "draw",
    "equivalent",
    "load",
    "optimize",
    "plan_memory",
    "profile",
    "prove",
    "run",
    "save",
    "specialize",
]

_ELSEWHERE = {
    "Graph": "graphlens.ir.graph:Graph",
    "GraphlensError": "graphlens.errors:GraphlensError",
    "TensorType": "graphlens.tensor:TensorType",
}


display.show[:] = [lambda thing: registry.load("graphlens.notebook:bundle")(thing)]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return registry.version()
    if name not in __all__:
        raise AttributeError(f"module 'graphlens' has no attribute {name!r}")
    found = registry.load(_ELSEWHERE.get(name, f"graphlens.api:{name}"))
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
