"""Errors of the PyTorch front ends, with the user's own frames of what went wrong."""

from __future__ import annotations

import linecache
import traceback
from typing import Any

from graphlens.errors import CaptureError, GraphlensError
from graphlens.frontends.torch.scopes import HERE, is_users

_SHOWN = 3
"""Frames of the user's code shown, innermost last."""
_LENGTH = 600
"""Characters of torch's own message that are kept."""

_NO_GPU = "it asks for a GPU, and this torch or machine has none: move the model to the CPU"
_NESTED = "nested tensors have no one shape: give the model padded ones (to_padded_tensor)"
_NO_VALUES = "a part of it is on the meta device, without values: put model and inputs on one"
_REMEDIES = (
    ("nestedtensor", _NESTED),
    ("nested_tensor", _NESTED),
    ("nestedint", _NESTED),
    ("jagged", _NESTED),
    ("data-dependent", "Python control flow depends on a tensor's value"),
    ("datadependent", "Python control flow depends on a tensor's value"),
    ("cuda devices", _NO_GPU),
    ("cuda enabled", _NO_GPU),
    ("nvidia", _NO_GPU),
    ("xpu", _NO_GPU),
    ("cpu and cuda:", "the model mixes devices: move all of it, and what it makes, to one"),
    ("meta and cpu", _NO_VALUES),
    ("cpu and meta", _NO_VALUES),
    ("device meta", _NO_VALUES),
    ("meta tensors", "the value of a tensor is asked for, which has none while tracing"),
)


def is_a_fault(error: CaptureError) -> bool:
    """Whether what a capture failed by was raised in our own code, and not on purpose."""
    cause = error.__cause__
    frames = traceback.extract_tb(cause.__traceback__) if cause is not None else []
    return bool(frames) and frames[-1].filename.startswith(HERE)


def cannot_capture(
    means: str, model: Any, error: BaseException, line: tuple[str, int] | None = None
) -> GraphlensError:
    """The error for a model that ``means`` could not capture, its cause in a few lines.

    Args:
        means: The way in.
        model: What was captured.
        error: What it raised.
        line: The file and line of the user's that was at work, where no frame says it.
    """
    if isinstance(error, GraphlensError):
        return error
    said = " ".join(str(error).partition("While executing %")[0].split())
    said = said if len(said) <= _LENGTH else f"{said[:_LENGTH]} ..."
    lines = [f"{means} cannot capture {type(model).__name__}: {type(error).__name__}: {said}"]
    frames = [one for one in traceback.extract_tb(error.__traceback__) if is_users(one.filename)]
    if line and line[1] and not frames:
        lines.append(f"  at {line[0]}:{line[1]}: {linecache.getline(*line).strip()}")
    lines += [
        f"  at {one.filename}:{one.lineno} in {one.name}: {one.line}" for one in frames[-_SHOWN:]
    ]
    seen = f"{type(error).__name__} {said}".lower()
    lines += [
        f"  {text}; try another front end or inputs" for word, text in _REMEDIES if word in seen
    ][:1]
    return CaptureError("\n".join(lines))
