"""How far two outputs are apart, and how far they may be (see `prove`)."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np


def tolerance(dtype: np.dtype[Any], depth: int) -> float:
    """The relative error allowed in an output of a graph of that depth (see `prove`)."""
    spacing = _spacing(dtype)
    return min(8 * spacing * math.sqrt(max(depth, 1)), math.sqrt(spacing))


def most_allowed(dtype: np.dtype[Any]) -> float:
    """The relative error beyond which two outputs are never called equal: half of the digits."""
    return math.sqrt(_spacing(dtype))


def _spacing(dtype: np.dtype[Any]) -> float:
    """Between 1 and the next number of a dtype of reals; 0 of any other."""
    kind = "f" if str(dtype).startswith(("bfloat", "float")) else dtype.kind
    return float(ml_dtypes.finfo(dtype).eps) if kind in "fc" else 0.0


def errors(expected: np.ndarray, found: np.ndarray, least: float = 0.0) -> tuple[float, float]:
    """The largest absolute difference, and the same in relation to the largest magnitude.

    Infinite where one is NaN or infinite and the other is not the same.

    Args:
        expected: What is right.
        found: What to compare with it, of the same shape and dtype.
        least: The smallest magnitude to relate the difference to.
    """
    if np.array_equal(expected, found):
        return 0.0, 0.0
    if expected.dtype.kind in "OUSb":
        return 1.0, math.inf
    left, right = _wide(expected), _wide(found)
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.abs(left - right)
        absolute = float(gap.max())
    if not math.isfinite(absolute):  # infinities and NaNs are looked at only where there are any
        same = (left == right) | (np.isnan(left) & np.isnan(right))
        absolute = float(np.where(same, 0, gap).max())
        if not math.isfinite(absolute):
            return math.inf, math.inf
    smallest = float(np.finfo(np.float32).tiny)
    return absolute, absolute / max(magnitude(expected), least, smallest)


def magnitude(array: np.ndarray) -> float:
    """The largest finite magnitude in an array of numbers."""
    if array.dtype.kind in "OUSb" or not array.size:
        return 0.0
    sizes = np.abs(_wide(array))
    largest = float(sizes.max())
    if math.isfinite(largest):
        return largest
    return float(sizes[np.isfinite(sizes)].max(initial=0.0))


def _wide(array: np.ndarray) -> np.ndarray:
    """The array in a dtype in which differences are exact enough; large ones are not copied."""
    if array.dtype.kind == "c" or str(array.dtype) in ("float32", "float64"):
        return array
    return array.astype(np.float64)
