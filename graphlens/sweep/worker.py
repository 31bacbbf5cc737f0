"""A nursery as its owner sees it: rows for specs, one at a time, whatever becomes of it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from typing import IO

import psutil

from graphlens.sweep import sets
from graphlens.sweep.row import Row, one_line
from graphlens.sweep.spec import Spec, Task


class Worker:
    """Does models of any set; keeps the process of the last one for the next."""

    def __init__(self) -> None:
        """No process is started before the first model."""
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._set: sets.ModelSet | None = None
        self._lock = threading.Lock()
        self._stopped = False

    def do(self, spec: Spec, task: Task) -> Row:
        """The row of one model; one that says so if the process was lost."""
        form = {"set": spec.set, "model": spec.model, "task": task.form()}
        try:
            process = self._ready(sets.named(spec.set))
            _send(process.stdin, form)
            got = _receive(process.stdout)
        except (OSError, EOFError, ValueError):
            reason = f"the process of its set was lost: {self._last_words()}"
            self.close()
            return Row(spec.set, spec.model, "died", one_line(reason), list(task.stages))
        return Row.of(got)

    def stop(self) -> None:
        """End the process for good, whatever another thread wants of it."""
        with self._lock:
            self._stopped = True
        self.close()

    def close(self) -> None:
        """End the process; a model that it is at is given up."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            _kill(process)
        if process.stdout is not None:
            process.stdout.close()
        with self._lock:  # another thread may be reading it
            if self._errors is not None:
                self._errors.close()

    def _ready(self, wanted: sets.ModelSet) -> subprocess.Popen[bytes]:
        """A process that has imported what models of this set need."""
        kept = self._set
        same = kept is not None and (kept.preload, kept.environ) == (wanted.preload, wanted.environ)
        if self._process is not None and same:
            return self._process
        self.close()
        self._set = wanted
        with self._lock:
            if self._stopped:
                raise EOFError
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the process)
            started = self._process = _started(wanted, self._errors)
        _receive(started.stdout)
        return started

    def _last_words(self) -> str:
        with self._lock:
            if self._errors is None:
                return "it did not start"
            if self._errors.closed:
                return "the sweep ended it"
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace")
        lines = [line for line in said.splitlines() if line]
        return lines[-1] if lines else "it said nothing"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process that does not end by itself, and its children, which keep its pipes open."""
    children: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    for child in children:
        with contextlib.suppress(psutil.Error):
            child.kill()


def _started(wanted: sets.ModelSet, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "graphlens.sweep.nursery", *wanted.preload],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env={**_QUIET, **os.environ, **wanted.environ},
        start_new_session=True,  # Ctrl-C is for the sweep, which ends this process in its turn
    )


_QUIET = {
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_OFFLINE": "1",
    "PYTHONHASHSEED": "0",
    "CUDA_VISIBLE_DEVICES": "",
}
"""One thread a model, no network, no notes of the frameworks' own; the environment comes first."""


def _send(to: IO[bytes] | None, form: object) -> None:
    if to is None:
        raise EOFError
    to.write(json.dumps(form).encode() + b"\n")
    to.flush()


def _receive(source: IO[bytes] | None) -> dict[str, object]:
    line = source.readline() if source is not None else b""
    if not line.endswith(b"\n"):
        raise EOFError
    return json.loads(line)
