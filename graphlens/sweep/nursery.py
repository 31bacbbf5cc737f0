"""A process that has imported a framework, and forks a child for every model that it is sent.

It runs as ``python -m graphlens.sweep.nursery MODULE...``: it imports the modules, reads tasks as
lines of JSON from stdin, and writes one row a task as a line of JSON to stdout. The child writes
its row as far as it has come into a pipe; this process watches its time and memory, and kills it
and all its children where it goes beyond. Stdin ends when whoever asked is gone: it kills and ends.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import time
import warnings
from collections.abc import Sequence
from typing import Any

import psutil

from graphlens.sweep.row import LONGEST, Row, one_line
from graphlens.sweep.spec import Spec, Task

_TICK = 0.05
"""Seconds between two looks at a child."""


_OWN = ("graphlens.sweep.work", "graphlens.passes", "graphlens.memory.plan", "graphlens.render")
"""What every child needs, imported once, and all of it as it was when the sweep began."""


def main(modules: Sequence[str]) -> None:
    """Serve until stdin ends."""
    warnings.simplefilter("ignore")
    asked, told = sys.stdin.fileno(), os.dup(sys.stdout.fileno())
    _silence()
    for module in (*_OWN, *modules):
        with contextlib.suppress(ModuleNotFoundError):  # a model that needs it will say so
            importlib.import_module(module)
    # a child's garbage collector would write to, and so copy, every page of what was imported:
    # a cost that whatever happens to run then would be charged with
    gc.collect()
    gc.freeze()
    _say(told, "{}")
    rest = b""
    while got := os.read(asked, 65536):
        rest += got
        while b"\n" in rest:
            line, _, rest = rest.partition(b"\n")
            form = json.loads(line)
            row = _raise(Spec(form["set"], form["model"]), Task.of(form["task"]), asked)
            _say(told, row.line())


def _silence() -> None:
    """Models print: stdout goes nowhere; it was kept under another number for the rows."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)


def _say(where: int, line: str) -> None:
    """One line, whole."""
    content = line.encode() + b"\n"
    while content:
        content = content[os.write(where, content) :]


def _raise(spec: Spec, task: Task, asked: int) -> Row:
    """Fork a child for one model, and see it through."""
    reading, writing = os.pipe()
    errors = os.memfd_create("stderr")
    child = os.fork()
    if child == 0:
        os.close(reading)
        _live(spec, task, writing, errors)
    os.close(writing)
    watch = _Watch(spec, task, child, reading)
    try:
        watch.until_end(asked)
        return watch.row(_tail(errors))
    finally:
        os.close(reading)
        os.close(errors)


def _live(spec: Spec, task: Task, writing: int, errors: int) -> None:
    """The child: does the work, writes its row, and never returns."""
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(errors, 2)
    _bound(task.memory)
    own = os.getpid()

    def emit(row: Row) -> None:
        if os.getpid() != own:
            os._exit(0)  # a process that the model forked and let run on
        _say(writing, row.line())

    try:
        emit(importlib.import_module("graphlens.sweep.work").work(spec, task, emit))
        _say(writing, "{}")
    except BaseException as error:  # a model may raise anything, SystemExit among it
        _say(2, f"{type(error).__name__}: {error}")
        os._exit(1)
    os._exit(0)


def _bound(memory: int) -> None:
    """A last bound on address space, where one allocation is too large to be seen coming."""
    held = psutil.Process().memory_info().vms + 4 * memory
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (held, held))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class _Watch:
    """One child, from its start to its end."""

    def __init__(self, spec: Spec, task: Task, child: int, reading: int) -> None:
        self._spec, self._task, self._child, self._reading = spec, task, child, reading
        self._since = time.monotonic()
        self._last = Row(spec.set, spec.model, stages=list(task.stages))
        self._rest = b""
        self._peak = 0
        self._done = False
        self._killed: tuple[str, str] | None = None
        self._code: int | None = None

    def until_end(self, asked: int) -> None:
        """Wait for the child, and kill it where it goes beyond its limits."""
        process = psutil.Process(self._child)
        os.set_blocking(self._reading, False)
        while not self._done and self._code is None:
            select.select([self._reading], [], [], _TICK)
            self._read()
            self._look(process)
            if _gone(asked):
                self._killed = "died", "nobody waits for it"
                self._end()
                sys.exit(0)
        self._end()
        self._read()

    def row(self, errors: str) -> Row:
        """What the child told last, and why it ended if not by itself."""
        row = self._last
        row.seconds = round(time.monotonic() - self._since, 2)
        row.peak_bytes = self._peak
        if self._done:
            return row
        where = _unfinished(row)
        if self._killed is not None:
            row.status, reason = self._killed
        else:
            row.status, reason = "died", f"its process ended with {_ended(self._code)}"
            reason = f"{reason}: {errors}" if errors else reason
        row.reason = one_line(f"{reason}{where}")
        return row

    def _read(self) -> None:
        """Take what the child has written."""
        with contextlib.suppress(BlockingIOError):
            while got := os.read(self._reading, 1 << 16):
                self._rest += got
        while b"\n" in self._rest:
            line, _, self._rest = self._rest.partition(b"\n")
            form: dict[str, Any] = json.loads(line)
            self._done = not form
            self._last = Row.of(form) if form else self._last

    def _look(self, process: psutil.Process) -> None:
        """Measure the child; end it where it is beyond a limit, note it where it has ended."""
        ended, status = os.waitpid(self._child, os.WNOHANG)
        if ended:
            self._code = status
            return
        with contextlib.suppress(psutil.Error):
            held = sum(_resident(one) for one in [process, *process.children(recursive=True)])
            self._peak = max(self._peak, held)
            if held > self._task.memory:
                self._killed = "over memory", f"over {self._task.memory / 1e9:g} GB"
        if time.monotonic() - self._since > self._task.seconds:
            self._killed = "over time", f"over {self._task.seconds:g} s"
        if self._killed is not None:
            self._end()

    def _end(self) -> None:
        """End the child, if it has not ended, and whatever it has forked."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child, signal.SIGKILL)
        if self._code is None:
            self._code = os.waitpid(self._child, 0)[1]


def _resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _gone(asked: int) -> bool:
    """Whether whoever asked has closed stdin: nothing is sent while a child is at work."""
    ready, _, _ = select.select([asked], [], [], 0)
    return bool(ready)


def _ended(code: int | None) -> str:
    if code is None:
        return "an unknown code"
    if os.WIFSIGNALED(code):
        return f"signal {signal.Signals(os.WTERMSIG(code)).name}"
    return f"exit code {os.WEXITSTATUS(code)}"


def _unfinished(row: Row) -> str:
    """What the child was at: the reason that it had noted before it began."""
    for via, entry in row.frontends.items():
        if entry["reason"].startswith("it was being"):
            return f" ({via}: {entry['reason']})"
    for stage in ("one_graph", "optimize", "plan", "draw"):
        if str(getattr(row, stage).get("reason", "")).startswith("it was being"):
            return f" ({stage})"
    return f" ({row.reason})" if row.reason else ""


def _tail(errors: int) -> str:
    """The last line that the child wrote to stderr."""
    size = os.fstat(errors).st_size
    text = os.pread(errors, 4096, max(0, size - 4096)).decode(errors="replace")
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:LONGEST] if lines else ""


if __name__ == "__main__":
    main(sys.argv[1:])
