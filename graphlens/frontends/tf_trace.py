"""The user's line behind a TensorFlow op."""

from __future__ import annotations

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
