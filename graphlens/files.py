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

    A link stays, and what it points to is written. What is no file, such as a pipe or
    ``/dev/null``, cannot be replaced: it is itself what is written to.

    Raises:
        UsageError: If the folder does not exist or cannot be written to, or the disk is full.
    """
    try:
        with _draft(Path(path)) as draft:
            yield draft
    except OSError as error:
        raise UsageError(f"cannot write {str(path)!r}: {_reason(error)}") from error


@contextlib.contextmanager
def _draft(target: Path) -> Generator[Path]:
    if target.exists() and not target.is_file():
        yield target
        return
    target = Path(os.path.realpath(target))
    # A fixed prefix: a name that just fits has no room for more.
    handle, beside = tempfile.mkstemp(dir=target.parent, prefix=".graphlens-")
    os.close(handle)
    draft = Path(beside)
    try:
        yield draft
        draft.chmod(0o666 & ~_umask())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def write(path: str | Path, content: str | bytes) -> None:
    """Write a whole file, or leave what was there.

    Raises:
        UsageError: If it cannot be written.
    """
    with atomic(path) as draft:
        # A name may hold halves of characters, which no file does.
        text = content.encode("utf-8", "replace") if isinstance(content, str) else content
        draft.write_bytes(text)


def _umask() -> int:
    """The process's umask; it can only be read by setting it."""
    held = os.umask(0o022)
    os.umask(held)
    return held


def _reason(error: OSError) -> str:
    """What went wrong, and what it takes where that is the folder's doing."""
    said = error.strerror or str(error)
    if isinstance(error, FileNotFoundError | NotADirectoryError | PermissionError):
        return f"{said}; the folder must exist and be writable"
    return said
