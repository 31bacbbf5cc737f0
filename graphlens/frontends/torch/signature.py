"""What the translation needs of an aten op's schema: names, defaults, what it writes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import torch

from graphlens.frontends.torch.aten.table import find
from graphlens.frontends.torch.call import Row


class Signature(NamedTuple):
    """What the translation needs of an op's schema.

    Attributes:
        domain: Its namespace (``'aten'``).
        op: Name and overload, of the pure form if there is one (``'add.Tensor'``).
        base: The name without the overload.
        names: The names of its arguments, but for places for results.
        formals: The names of all its arguments.
        defaults: Their defaults.
        writes: Whether it is the form in place of a pure op: it writes its first argument.
        outs: Which arguments are places for its results (``out=``).
        written: Which arguments it writes in some way that has no pure form.
        row: Its row of the table, or None.
    """

    domain: str
    op: str
    base: str
    names: tuple[str, ...]
    formals: tuple[str, ...]
    defaults: tuple[Any, ...]
    writes: bool
    outs: tuple[int, ...]
    written: tuple[int, ...]
    row: Row | None

    def bound(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
        """The arguments of a call in order, with defaults."""
        rest = range(len(args), len(self.formals))
        return [*args, *(kwargs.get(self.formals[i], self.defaults[i]) for i in rest)]


@cache
def signature(func: Any) -> Signature:
    """The signature of an op overload."""
    schema = func._schema
    domain, _, base = schema.name.partition("::")
    overload, arguments = schema.overload_name, schema.arguments
    written = tuple(index for index, one in enumerate(arguments) if _is_written(one))
    writes = written == (0,) and base.endswith("_")
    outs: tuple[int, ...] = ()
    if writes:
        base = f"__{base[3:]}" if base.startswith("__i") else base.removesuffix("_")
    elif written and (pure := _pure(func)) is not None:
        outs, overload = written, pure._schema.overload_name
    op = f"{base}.{overload}" if overload not in ("", "default") else base
    hidden = written if not writes and not outs else ()
    formals = tuple(one.name for one in arguments)
    return Signature(
        domain,
        op,
        base,
        tuple(name for index, name in enumerate(formals) if index not in outs),
        formals,
        tuple(one.default_value if one.has_default_value() else None for one in arguments),
        writes,
        outs,
        hidden,
        None if hidden else find(op, domain),
    )


def _is_written(argument: Any) -> bool:
    alias = argument.alias_info
    return alias is not None and alias.is_write


def _pure(func: Any) -> Any:
    """The overload with the same arguments but those for its results, or None."""
    wanted = [(one.name, str(one.type)) for one in func._schema.arguments if not _is_written(one)]
    packet = getattr(getattr(torch.ops, func.namespace), func._schema.name.partition("::")[2])
    for name in packet.overloads():
        found = getattr(packet, name)
        held = [(one.name, str(one.type)) for one in found._schema.arguments]
        # dtype, layout and device of a factory are those of the tensor that is filled
        if not found._schema.is_mutable and (held == wanted or held[: len(wanted)] == wanted):
            return found
    return None
