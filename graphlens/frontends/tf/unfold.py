"""Whether the functions of a TensorFlow graph come to an end, and how many ops they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphlens.errors import CaptureError

MOST_OPS = 1_000_000
"""Ops that a file's functions may unfold to: 40 functions that call the next twice make 2**40."""


def must_unfold(nodes: Sequence[Any], library: Mapping[str, Any]) -> None:
    """Refuse functions that call themselves, and those that unfold to more than can be held."""
    sizes: dict[str, int] = {}
    open_now: dict[str, None] = {}
    waiting = list(reversed(library))
    while waiting:
        name = waiting[-1]
        called = list(_called(library[name].node_def, library)) if name not in sizes else []
        missing = [other for other in called if other not in sizes]
        if name in sizes or not missing:
            open_now.pop(name, None)
            sizes.setdefault(name, len(library[name].node_def) + sum(sizes[o] for o in called))
            waiting.pop()
            continue
        open_now[name] = None
        again = [other for other in missing if other in open_now]
        if again:
            raise CaptureError(
                f"the function {again[0]!r} of the TF graph calls itself, by way of "
                f"{list(open_now)[:5]}: a Graph has no recursion"
            )
        waiting += missing
    whole = len(nodes) + sum(sizes[name] for name in _called(nodes, library))
    if whole > MOST_OPS:
        raise CaptureError(
            f"the functions of the TF graph unfold to {whole:,} ops; at most {MOST_OPS:,} are read"
        )


def _called(nodes: Iterable[Any], library: Mapping[str, Any]) -> Iterable[str]:
    """The functions that nodes run, once for each time."""
    for node in nodes:
        names = [node.op]
        for key in node.attr:
            value = node.attr[key]
            names += [value.func.name] if value.HasField("func") else []
            names += [each.name for each in value.list.func]
        yield from (name for name in names if name in library)
