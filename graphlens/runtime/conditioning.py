"""How much of a graph's outputs its own rounding decides.

A model may amplify the last digits of its weights until the first digits of its outputs: then no
two correct programs for it agree, and what they differ by says nothing. How far that goes is
measured, not assumed: the graph is run again with each weight and input moved by one unit in the
last place, up or down at random. By how much an output then changes is its condition number times
that unit, to which the error of any backward stable way of computing it is in proportion (Higham,
Accuracy and Stability of Numerical Algorithms, 2nd edition, 1.5 and 1.6).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np

from graphlens.errors import RunError
from graphlens.ir.graph import Graph
from graphlens.runtime.compare import errors
from graphlens.runtime.feeds import flat, is_plain
from graphlens.runtime.run import Runner

_DRAWS = 2
"""Times that the graph is run so; the largest change of each output counts."""


def sensitivity(
    graph: Graph, inputs: Sequence[Any], outputs: Sequence[np.ndarray], least: Sequence[float]
) -> list[float]:
    """By how much each output changes, in relation to its largest magnitude.

    Infinite where it is another shape, or no longer finite; 0 where the graph does not run.

    Args:
        graph: What is run.
        inputs: One array for each Input.
        outputs: What it gives for them.
        least: The smallest magnitude to relate each output's change to.
    """
    found = [0.0] * len(outputs)
    for draw in range(_DRAWS):
        numbers = np.random.default_rng(draw)
        twin = graph.copy()
        twin.weights = {name: _moved(held, numbers) for name, held in graph.weights.items()}
        try:
            made = flat(Runner(twin)(*(_moved(given, numbers) for given in inputs)))
        except RunError:
            continue
        for index, pair in enumerate(zip(outputs, made, strict=False)):
            found[index] = max(found[index], _change(*pair, least[index]))
    return found


def _change(was: np.ndarray, now: np.ndarray, least: float) -> float:
    if was.shape != now.shape or was.dtype != now.dtype:
        return math.inf
    return errors(was, now, least)[1]


def _moved(array: Any, numbers: np.random.Generator) -> Any:
    """An array with each number one unit in the last place up or down; what is no number as it is.

    A number by itself (an exponent, an epsilon) is part of what the graph says, and stays.
    """
    if not is_plain(array) or array.size < 2 or not _is_real(array.dtype):
        return array
    unit = float(ml_dtypes.finfo(array.dtype).eps)
    largest = float(ml_dtypes.finfo(array.dtype).max) * (1 - 2 * unit)
    wide = array if array.dtype.kind == "f" and array.itemsize > 2 else array.astype(np.float32)
    signs = numbers.integers(0, 2, array.shape, np.int8) * 2 - 1
    with np.errstate(all="ignore"):
        moved = wide + wide * (signs * wide.dtype.type(unit))
    return np.where(np.abs(wide) < largest, moved, wide).astype(array.dtype)


def _is_real(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "f" or str(dtype) == "bfloat16"
