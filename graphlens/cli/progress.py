"""Progress on stderr, where that is a terminal: one line, written over, gone at the end."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType
from typing import TextIO


class Progress:
    """What is being done now, for a person who waits; silent in a pipe or a log file."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Progress on ``stream``, by default stderr."""
        self._stream = sys.stderr if stream is None else stream
        self._shown = self._stream.isatty()
        self._since = time.monotonic()

    def say(self, what: str) -> None:
        """Show what begins now, in place of what was shown before."""
        if self._shown:
            line = f"{time.monotonic() - self._since:6.1f} s  {what}"
            width = shutil.get_terminal_size().columns - 1
            self._write(f"\r\x1b[2K{line[:width]}")

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown:
            self._write("\r\x1b[2K")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
