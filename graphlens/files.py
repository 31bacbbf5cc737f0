"""Writing files whole or not at all: beside the target first, then renamed over it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

from graphlens.errors import UsageError


@contextlib.contextmanager
def atomic(path: str | Path) -> Generator[Path]:
    """A temporary path beside ``path``, renamed over it if the block ends well, else removed.

    Raises:
        UsageError: If the folder does not exist or cannot be written to.
    """
    target = Path(path)
    try:
        handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        os.close(handle)
    except OSError as error:
        raise UsageError(
            f"cannot write {str(target)!r}: {error.strerror}; the folder must exist and be writable"
        ) from error
    draft = Path(beside)
    try:
        yield draft
        draft.chmod(0o666 & ~_umask())
        draft.replace(target)
    except OSError as error:
        raise UsageError(f"cannot write {str(target)!r}: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)


def write(path: str | Path, content: str | bytes) -> None:
    """Write a whole file, or leave what was there.

    Raises:
        UsageError: If it cannot be written.
    """
    with atomic(path) as draft:
        draft.write_bytes(content.encode() if isinstance(content, str) else content)


def _umask() -> int:
    """The process's umask; it can only be read by setting it."""
    held = os.umask(0o022)
    os.umask(held)
    return held
