"""Which files are Python's own: their frames say nothing of a user's model."""

from __future__ import annotations

import sysconfig
from functools import cache
from pathlib import Path

_FOLDERS = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib")})
_PACKAGES = {"site-packages", "dist-packages"}


@cache
def is_standard(file: str) -> bool:
    """Whether a source file belongs to Python's standard library, and to no package within it."""
    return file.startswith(_FOLDERS) and not _PACKAGES & set(Path(file).parts)
