"""The table of a sweep as a file of JSON lines that grows, and can be taken up where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from graphlens import files
from graphlens.errors import FormatError, UsageError
from graphlens.sweep.row import Row
from graphlens.sweep.spec import Spec


def read(path: Path) -> dict[Spec, Row]:
    """The rows of a ``.jsonl`` file; of two of one model, the later one.

    A last line that was cut off (the machine went down) is left out.

    Raises:
        FormatError: If another line is no row.
        UsageError: If the file cannot be read.
    """
    try:
        text = path.read_text() if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {str(path)!r}: {error}") from error
    found: dict[Spec, Row] = {}
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        try:
            row = Row.of(json.loads(line))
        except (ValueError, TypeError, AttributeError) as error:
            if number == len(lines) and not text.endswith("\n"):
                break
            raise FormatError(
                f"{path}:{number} is no row of a sweep: {error}; give another file, or --fresh"
            ) from error
        found[row.spec] = row
    return found


def write(path: Path, rows: Iterable[Row]) -> None:
    """The rows, one a line, the whole file or what was there."""
    files.write(path, "".join(f"{row.line()}\n" for row in rows))


class Growing:
    """A ``.jsonl`` file to which a row is added as soon as it is there, in one write.

    Attributes:
        rows: All rows, those of before among them.
    """

    def __init__(self, path: Path | None, rows: dict[Spec, Row]) -> None:
        """Begin with ``rows``; without a path they are kept here alone."""
        self.rows = dict(rows)
        self._path = path
        if path is not None:
            write(path, self.rows.values())

    def add(self, row: Row) -> None:
        """Add a row, or put it in the place of the one of the same model."""
        self.rows[row.spec] = row
        if self._path is None:
            return
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(handle, f"{row.line()}\n".encode())
        finally:
            os.close(handle)

    def close(self) -> None:
        """Leave one line for each model in the file."""
        if self._path is not None:
            write(self._path, self.rows.values())
