"""An order of execution of ops that know what each of them must come after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphlens.errors import CaptureError


def in_order(ops: list[Any], before: Mapping[str, Sequence[str]]) -> list[Any]:
    """The order of creation where that is one of execution, else Kahn's topological order.

    Args:
        ops: Things with a name.
        before: For each name, the names that must come before it, all of them among ``ops``.

    Raises:
        CaptureError: If the ops form a cycle.
    """
    place = {op.name: index for index, op in enumerate(ops)}
    if all(place[name] < place[op.name] for op in ops for name in before[op.name]):
        return ops
    readers: dict[str, list[Any]] = {op.name: [] for op in ops}
    waiting = {}
    for op in ops:
        producers = set(before[op.name])
        waiting[op.name] = len(producers)
        for producer in producers:
            readers[producer].append(op)
    ready = [op for op in reversed(ops) if not waiting[op.name]]
    done: list[Any] = []
    while ready:
        op = ready.pop()
        done.append(op)
        for reader in readers[op.name]:
            waiting[reader.name] -= 1
            if not waiting[reader.name]:
                ready.append(reader)
    if len(done) < len(ops):
        stuck = [op.name for op in ops if waiting[op.name]][:5]
        raise CaptureError(f"the TF graph has a cycle through {stuck}, which is no while loop")
    return done
