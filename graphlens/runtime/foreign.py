"""Ops that ONNX lacks, run through their framework, which is imported by name only."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from graphlens.errors import GraphlensError, RunError
from graphlens.ir.node import Node
from graphlens.runtime.session import NoKernelError

_TORCH = "graphlens.frontends.torch.foreign:run"
_TENSORFLOW = "graphlens.frontends.tf.foreign:run"

FOREIGN = {
    "aten": _TORCH,
    "prims": _TORCH,
    "quantized": _TORCH,
    "torchvision": _TORCH,
    "tf": _TENSORFLOW,
}
"""Domain -> ``'module:function'``; the function takes a Node and its operands as arrays (None for
one not given), and returns its results as arrays. It raises NotImplementedError for an op that it
does not know."""

GROUP = "graphlens.foreign"
"""The entry-point group by which another package runs the ops of a domain of its own."""

_BY_CAPTURE = {"torch": _TORCH, "torchscript": _TORCH, "tf": _TENSORFLOW, "keras": _TENSORFLOW}
"""What runs the ops of any other domain, by the framework that the graph was captured from: a
library of torch ops has a domain of its own."""

Foreign = Callable[[Node, Sequence[np.ndarray | None]], Sequence[np.ndarray]]


def find(node: Node, where: str, capture: str) -> Foreign:
    """What runs a foreign op.

    Args:
        node: The op.
        where: Its name, for messages.
        capture: What the graph was captured by (``'torch.fx'``).

    Raises:
        NoKernelError: If nothing here can, or its framework is not installed.
    """
    place = FOREIGN.get(node.domain) or _plugged().get(node.domain)
    place = place or _BY_CAPTURE.get(capture.partition(".")[0])
    title = f"{where} is a {node.qualified}"
    if place is None:
        raise NoKernelError(
            f"{title}, an op that graphlens does not know: there is nothing here to run it by"
        )
    module, _, function = place.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except ImportError as error:
        raise NoKernelError(
            f"{title}, an op that graphlens does not know; it would run through its framework, "
            f"which does not load here: {error}"
        ) from error


@cache
def _plugged() -> Mapping[str, str]:
    """What other packages add to the table."""
    return {each.name: each.value for each in importlib.metadata.entry_points(group=GROUP)}


def run(
    node: Node, operands: Sequence[np.ndarray | None], where: str, capture: str
) -> list[np.ndarray]:
    """The results of a foreign op (see `find` for the arguments).

    Raises:
        NoKernelError: If nothing here can run it.
        RunError: If its framework refuses the operands.
    """
    function = find(node, where, capture)
    title = f"{where!r} ({node.qualified})"
    try:
        made = [np.asarray(result) for result in function(node, operands)]
    except NotImplementedError as error:
        raise NoKernelError(f"{title}: {error}") from error
    except GraphlensError:
        raise
    except Exception as error:  # a framework raises what it likes
        raise RunError(f"{title}: {type(error).__name__}: {error}") from error
    if len(made) < len(node.results):
        raise RunError(f"{title} made {len(made)} results, expected {len(node.results)}")
    return made
