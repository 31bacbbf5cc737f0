"""The user's lines behind a TensorFlow op, and behind an error that tracing ended in."""

from __future__ import annotations

import re
import traceback
from functools import cache
from typing import Any

from graphlens.frontends.stdlib import is_standard

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
    if is_standard(filename) or any(part in filename for part in _NOT_THE_USERS):
        return "framework's"
    return "user's"


_COLOURS = re.compile("\x1b\\[[0-9;]*m")
_MADE = "__autograph_generated_file"


_FRAME = re.compile(r' *File "(?P<file>[^\n]+)", line \d+, in [^\n]*\n(?: +(?!File )[^\n]*\n)?')
_SHOWN = 3
"""Frames of the user's code shown, innermost last."""


def told(error: BaseException) -> str:
    """What an error of tracing says, with the user's innermost frames, the innermost last."""
    text = _COLOURS.sub("", str(error)).strip()
    if text.startswith("in user code"):
        said, lines = _shortened(text)
    else:
        kind = type(error).__name__
        said, lines = text if text.startswith(kind) else f"{kind}: {text}", []
    frames = [
        f"  {frame.filename}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if _whose(frame.filename) == "user's" and _MADE not in frame.filename
    ]
    return "\n".join([said, *(lines or frames[-_SHOWN:])])


def _shortened(text: str) -> tuple[str, list[str]]:
    """What a traceback that AutoGraph wrote says, and the lines of the user's innermost frames."""
    frames = list(_FRAME.finditer(text))
    kept = [each for each in frames if _whose(each["file"]) == "user's"][-_SHOWN:]
    left = _FRAME.sub("", text).replace("in user code:", "").split("\n")
    said = "\n".join(line.strip() for line in left if line.strip())
    lines = [line for each in kept for line in each[0].rstrip().split("\n")]
    return said, [f"  {line.strip()}" for line in lines]
