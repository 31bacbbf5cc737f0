"""The user's lines behind a TensorFlow op, and behind an error that tracing ended in."""

from __future__ import annotations

import re
import traceback
from functools import cache
from typing import Any

_NOT_THE_USERS = ("/tensorflow/python/", "/site-packages/keras/")
_OURS = "/graphlens/frontends/"


def user_line(op: Any) -> tuple[str, int]:
    """File and line of the user's code that made an op, ``('', 0)`` where there is none.

    What lies beyond our own call is the line that asked for the capture, not the model's.
    """
    try:
        frames = op.traceback.get_user_frames()
    except AttributeError:
        return "", 0
    for index in range(len(frames) - 1, -1, -1):
        frame = frames[index]
        whose = _whose(frame.filename)
        if whose == "ours":
            break
        if whose == "user's":
            return frame.filename, frame.lineno
    return "", 0


@cache
def _whose(filename: str) -> str:
    if _OURS in filename:
        return "ours"
    return "framework's" if any(part in filename for part in _NOT_THE_USERS) else "user's"


_COLOURS = re.compile("\x1b\\[[0-9;]*m")
_MADE = "__autograph_generated_file"


def told(error: BaseException) -> str:
    """What an error of tracing says, with the user's frames, the innermost last."""
    text = _COLOURS.sub("", str(error)).strip()
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if _whose(frame.filename) == "user's" and _MADE not in frame.filename
    ]
    lines = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    missing = [line for line in lines if line.split(" in ")[0].strip() not in text]
    kind = type(error).__name__
    head = text if text.startswith(("in user code", kind)) else f"{kind}: {text}"
    return "\n".join([head, *missing]) if not text.startswith("in user code") else head
