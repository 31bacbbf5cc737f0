"""The user's line behind a TensorFlow op."""

from __future__ import annotations

from typing import Any

_NOT_THE_USERS = ("/tensorflow/python/", "/site-packages/keras/", "/graphlens/frontends/")


def user_line(op: Any) -> tuple[str, int]:
    """File and line of the user's code that made an op, ``('', 0)`` where TF kept none."""
    try:
        frames = op.traceback.get_user_frames()
    except AttributeError:
        return "", 0
    for frame in reversed(list(frames)):
        if not any(part in frame.filename for part in _NOT_THE_USERS):
            return frame.filename, frame.lineno
    return "", 0
