"""What torch makes an op of, for the ops that the aten table has no row for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch._decomp
import torch._refs
import torch._refs.nn.functional
import torch._refs.special

from graphlens.frontends.torch.compose import COMPOSED


@cache
def expansion_of(func: Any) -> Callable[..., Any] | None:
    """A function that computes an op by other aten ops, or None where torch has none.

    An op that writes in place is expanded as its pure form is.
    """
    if not hasattr(func, "_schema"):
        return None
    func = _pure(func)
    if func is None:
        return None
    name = func._schema.name.partition("::")[2]
    own = COMPOSED.get(f"{name}.{func._overloadname}") or COMPOSED.get(name)
    if own is not None and func.namespace == "aten":
        return own
    if func._can_decompose():
        return func.decompose
    return torch._decomp.decomposition_table.get(func)


def _pure(func: Any) -> Any:
    name = func._schema.name.partition("::")[2]
    if not func._schema.is_mutable:
        return func
    if not name.endswith("_") or name.startswith("__"):
        return None
    packet = getattr(getattr(torch.ops, func.namespace), name[:-1], None)
    return getattr(packet, func._overloadname, None)
