"""The user's line behind a TensorFlow op."""

from __future__ import annotations

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
    for frame in reversed(list(frames)):
        if _OURS in frame.filename:
            break
        if not any(part in frame.filename for part in _NOT_THE_USERS):
            return frame.filename, frame.lineno
    return "", 0
