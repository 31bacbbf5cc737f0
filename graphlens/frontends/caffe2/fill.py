"""Caffe2's fill ops: what an init net makes of weights."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from graphlens.errors import FormatError
from graphlens.frontends.caffe2.call import plain
from graphlens.frontends.caffe2.proto import DTYPES, floats_of

_LARGEST = 2**31
"""Elements up to which a fill is made: a file from strangers may ask for any number."""

_GIVEN = {
    "GivenTensorFill": "float32",
    "GivenTensorDoubleFill": "float64",
    "GivenTensorIntFill": "int32",
    "GivenTensorInt16Fill": "int16",
    "GivenTensorInt64Fill": "int64",
    "GivenTensorBoolFill": "bool",
    "GivenTensorStringFill": "string",
    "GivenTensorByteStringToUInt8Fill": "uint8",
}


def is_fill(op: str) -> bool:
    """Whether an op makes a tensor of its arguments alone."""
    return op in _GIVEN or op in _MADE


def filled(proto: Any) -> np.ndarray:
    """The tensor that a fill op makes.

    Random fills draw from the distribution that they name, seeded by the blob's name: what Caffe2
    draws anew each time is the same in each capture.

    Raises:
        FormatError: If its values do not fit its shape.
    """
    arguments = {each.name: each for each in proto.arg}
    told = {key: plain(each) for key, each in arguments.items() if key != "values"}
    shape = told.get("shape", ())
    shape = (shape,) if isinstance(shape, int) else tuple(int(dim) for dim in shape)
    where = f"{proto.output[0]!r} ({proto.type})"
    if any(dim < 0 for dim in shape) or math.prod(shape) > _LARGEST:
        raise FormatError(f"{where} has the shape {list(shape)}")
    if proto.type in _GIVEN:
        return _given(arguments.get("values"), shape, _GIVEN[proto.type], where)
    seed = zlib.crc32(proto.output[0].encode())
    return _MADE[proto.type](shape, told, np.random.default_rng(seed))


def _given(values: Any, shape: tuple[int, ...], dtype: str, where: str) -> np.ndarray:
    if values is None:
        array: np.ndarray = np.zeros(0, np.float32)
    elif values.floats:
        array = floats_of(values)
    elif values.ints:
        array = np.array(values.ints, np.int64)
    elif dtype == "uint8":
        array = np.frombuffer(b"".join(values.strings or [values.s]), np.uint8)
    else:
        texts = [each.decode("utf-8", "replace") for each in values.strings]
        array = np.array(texts, object)
    if array.size != math.prod(shape):
        raise FormatError(f"{where} has {array.size} values, and the shape {list(shape)}")
    kept = array if dtype == "string" else array.astype(dtype, copy=False)
    return kept.reshape(shape)


def _constant(shape: tuple[int, ...], told: dict[str, Any], _: np.random.Generator) -> np.ndarray:
    value = told.get("value", 0.0)
    usual = 10 if isinstance(value, int) and "dtype" not in told else 1
    dtype = DTYPES.get(told.get("dtype", usual), "float32")
    return np.full(shape, value, object if dtype == "string" else dtype)


def _gaussian(
    shape: tuple[int, ...], told: dict[str, Any], numbers: np.random.Generator
) -> np.ndarray:
    return numbers.normal(told.get("mean", 0.0), told.get("std", 1.0), shape).astype(np.float32)


def _uniform(
    shape: tuple[int, ...], told: dict[str, Any], numbers: np.random.Generator
) -> np.ndarray:
    return numbers.uniform(told.get("min", 0.0), told.get("max", 1.0), shape).astype(np.float32)


def _xavier(shape: tuple[int, ...], _: dict[str, Any], numbers: np.random.Generator) -> np.ndarray:
    """Glorot and Bengio 2010, by the fan-in as Caffe2 has it."""
    bound = math.sqrt(3.0 / max(1, math.prod(shape[1:])))
    return numbers.uniform(-bound, bound, shape).astype(np.float32)


def _msra(shape: tuple[int, ...], _: dict[str, Any], numbers: np.random.Generator) -> np.ndarray:
    """He et al. 2015 (arXiv:1502.01852), by the fan-out as Caffe2 has it."""
    fan_out = max(1, math.prod(shape) // max(1, shape[1] if len(shape) > 1 else 1))
    return numbers.normal(0.0, math.sqrt(2.0 / fan_out), shape).astype(np.float32)


_MADE: dict[str, Callable[..., np.ndarray]] = {
    "ConstantFill": _constant,
    "GaussianFill": _gaussian,
    "UniformFill": _uniform,
    "XavierFill": _xavier,
    "MSRAFill": _msra,
}
