"""Ops of torch's that ONNX lacks: their calls as a node's attributes, and called again from them.

The attribute ``operands`` says which argument each operand belongs to: ``'self'``,
``'indices[1]'`` for a part of a list, ``'size[0]'`` for a symbolic size. The other attributes are
the arguments that are no tensors, by name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from graphlens.frontends.torch.call import Call, is_symbolic, plain
from graphlens.frontends.torch.types import array_of, tensor_of
from graphlens.ir.node import Attribute, Node, Value

_OPERANDS = "operands"
_OBJECT = "ScriptObject <"
"""How the text of an argument begins that is an object of a class of torch's."""
_PLACE = re.compile(r"(\w+)\[(\d+)\]")
_NAMED = re.compile(r"(?:Optional\[)?(ScalarType|Device|Layout|MemoryFormat)")
"""Types of arguments whose values are objects of torch's own, which attributes hold as text."""
_SCALAR = re.compile(r"number|Scalar|complex")


def spelt(
    call: Call, names: Sequence[str], values: Sequence[Any]
) -> tuple[list[Value], dict[str, Attribute]]:
    """A call's operands and attributes.

    Args:
        call: What nodes that work out symbolic sizes are added by.
        names: The names of the op's arguments.
        values: The arguments, tensors as Values.
    """
    operands: list[Value] = []
    places: list[str] = []
    attributes: dict[str, Attribute] = {}
    for name, value in zip(names, values, strict=True):
        listed = isinstance(value, list | tuple) and not isinstance(value, Value)
        parts = value if listed else [value]
        held = [_operand(call, part) for part in parts]
        for index, part in enumerate(held):
            if part is not None:
                operands.append(part)
                places.append(f"{name}[{index}]" if listed else name)
        plain = [None if held[i] is not None else _plain(part) for i, part in enumerate(parts)]
        if listed and (not held or not all(held)):
            attributes[name] = tuple(plain)
        elif not listed and plain[0] is not None:
            attributes[name] = plain[0]
    return operands, {_OPERANDS: tuple(places), **attributes}


def _operand(call: Call, part: Any) -> Value | None:
    if isinstance(part, Value):
        return part
    return call.own_number(part) if is_symbolic(part) else None


def _plain(value: Any) -> Attribute:
    """An argument as a plain value; a generator is left out: nobody can seed a run by it."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, torch.SymInt | torch.SymFloat | torch.SymBool):
        return plain(value)
    if isinstance(value, torch.Generator):
        return None
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    return str(value)


def run(node: Node, operands: Sequence[np.ndarray | None]) -> list[np.ndarray]:
    """The results of an op of torch, of a library or of the user's own on these operands.

    An op that writes some of its arguments gives what it leaves in them after its results.

    Args:
        node: The foreign node.
        operands: Their values.

    Raises:
        NotImplementedError: If no such op is registered with torch, what it gives has no dense
            form, or it takes an object of torch, which a graph does not hold.
    """
    func = _overload(node)
    lost = [name for name, value in node.attributes.items() if _OBJECT in str(value)]
    if lost:
        raise NotImplementedError(
            f"{node.qualified} takes an object of torch as {lost[0]!r} (packed weights), which a "
            "graph does not hold: capture the model as it was before it was packed"
        )
    args, kwargs = _arguments(func, node, [tensor_of(np.asarray(one)) for one in operands])
    with torch.no_grad():
        result = func(*args, **kwargs)
    made = list(result) if isinstance(result, list | tuple) else [result]
    formals = func._schema.arguments
    left = [value for value, one in zip(args, formals, strict=False) if _is_written(one)]
    flat = [one for part in left for one in (part if isinstance(part, list) else [part])]
    whole = [*made, *flat]
    if len(whole) != len(node.results):  # else a None is a result that was not asked for
        whole = [one for one in whole if one is not None]
    kept = [torch.zeros(0) if one is None else one for one in whole]
    return [_array(one, node) for one in kept[: len(node.results)]]


def _overload(node: Node) -> Any:
    """The op that a node names: the pure one, else the one that writes its first argument."""
    base, _, overload = node.op.partition(".")
    for name in (base, f"{base}_", f"__i{base[2:]}"):
        packet = getattr(getattr(torch.ops, node.domain), name, None)
        found = getattr(packet, overload or "default", None)
        if found is not None:
            return found
    raise NotImplementedError(
        f"torch knows no op {node.qualified!r}; import the library that registers it "
        "(with torch.library) before running the graph"
    )


def _arguments(func: Any, node: Node, tensors: list[Any]) -> tuple[list[Any], dict[str, Any]]:
    """The call's arguments by position and by name."""
    given: dict[str, Any] = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in node.attributes.items()
    }
    places: Any = given.pop(_OPERANDS, ())
    for place, tensor in zip(places, tensors, strict=True):
        part = _PLACE.fullmatch(place)
        if part is None:
            given[place] = tensor
            continue
        held = given.setdefault(part[1], [])
        held += [None] * (int(part[2]) + 1 - len(held))
        held[int(part[2])] = tensor
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for formal in func._schema.arguments:
        value = _argument(formal, given.get(formal.name))
        if formal.kwarg_only:
            kwargs[formal.name] = value
        else:
            args.append(value)
    return args, kwargs


def _argument(formal: Any, value: Any) -> Any:
    """An argument as torch takes it, from what attributes and operands hold."""
    kind = str(formal.real_type)
    if value is None:
        return formal.default_value if formal.has_default_value() and "Opt" not in kind else None
    named = _NAMED.match(kind)
    if named is not None and isinstance(value, str):
        return torch.device("cpu") if named[1] == "Device" else getattr(torch, value[6:])
    if isinstance(value, list):
        return [_held(one, kind, formal) for one in value]
    return _held(value, kind, formal)


def _held(value: Any, kind: str, formal: Any) -> Any:
    """A symbolic size was an operand, a complex number a text."""
    if isinstance(value, torch.Tensor):
        if "Tensor" not in kind:
            return value.item()
        return value.clone() if _is_written(formal) else value
    return complex(value) if isinstance(value, str) and _SCALAR.search(kind) else value


def _is_written(formal: Any) -> bool:
    return formal.alias_info is not None and formal.alias_info.is_write


def _array(result: Any, node: Node) -> np.ndarray:
    if not isinstance(result, torch.Tensor):
        return np.asarray(result)
    array = array_of(result)
    if array is None:
        raise NotImplementedError(f"{node.qualified} gives a {result.dtype} without a dense form")
    return array
