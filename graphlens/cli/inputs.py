"""Inputs as one writes them on the command line: ``1x3x224x224:float32``, ``mask=1x128:int64``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from graphlens import registry
from graphlens.errors import UsageError

if TYPE_CHECKING:
    from graphlens.tensor import TensorType

_INPUT = re.compile(r"(?:(?P<name>[^=]+)=)?(?P<shape>[^:=]*)(?::(?P<dtype>\w+))?")


def parse(texts: Iterable[str]) -> tuple[tuple[TensorType, ...], dict[str, TensorType]]:
    """The inputs given by place, and those given by name.

    Raises:
        UsageError: If a text is not ``[NAME=]SHAPE[:DTYPE]``, names a dtype that is not known, or a
            name that was there before.
    """
    by_place: list[TensorType] = []
    by_name: dict[str, TensorType] = {}
    for text in texts:
        found = _INPUT.fullmatch(text.strip())
        if found is None:
            raise _unreadable(text)
        held = _type(found["shape"], found["dtype"] or "float32", text)
        if found["name"] in by_name:
            raise UsageError(f"--input {text!r}: {found['name']!r} is given twice")
        if found["name"]:
            by_name[found["name"]] = held
        else:
            by_place.append(held)
    return tuple(by_place), by_name


def _type(shape: str, dtype: str, text: str) -> TensorType:
    tensor_type = registry.load("graphlens.tensor:TensorType")
    if tensor_type(dtype, ()).nbytes is None:
        raise UsageError(
            f"unknown dtype {dtype!r} in --input {text!r}: expected one such as float32"
        )
    if shape in ("", "()", "scalar"):
        return tensor_type(dtype, ())
    if shape[0] + shape[-1] in ("[]", "()"):
        shape = shape[1:-1]
    parts = re.split(r"\s*,\s*" if "," in shape else "x", shape)
    return tensor_type(dtype, tuple(_dim(part, text) for part in parts))


def _dim(part: str, text: str) -> int | str:
    if part.isdecimal() and part.isascii():
        return int(part)
    if part.isidentifier():
        return part
    raise _unreadable(text)


def _unreadable(text: str) -> UsageError:
    return UsageError(
        f"cannot read --input {text!r}: expected [NAME=]SHAPE[:DTYPE], such as "
        "1x3x224x224:float32, mask=1x128:int64, or Nx128:int64 where N is a symbol"
    )
