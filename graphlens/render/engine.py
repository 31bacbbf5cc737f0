"""The one seam to Graphviz: DOT in, coordinates out, by whichever engine there is, in limited time.

``dot`` on the PATH does it where it is there; else, or if it fails or hangs, the libraries that
the wheels of pygraphviz carry, in a child process, for a layout is one C call that cannot be
interrupted.
"""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from graphlens.errors import RenderError

LIMIT = 60.0
"""Seconds that a layout may take."""
_log = logging.getLogger(__name__)
_NO_DOT = "there is no 'dot' on the PATH"
_CHILD = Path(__file__).with_name("child.py")


def lay_out(sources: Sequence[str], limit: float = LIMIT) -> list[dict[str, Any]]:
    """The layout of each DOT text, in Graphviz's ``json0``.

    Args:
        sources: Texts of directed graphs.
        limit: Seconds that an engine may take for all of them.

    Raises:
        RenderError: If no engine could do it, with what each of them said.
    """
    said: list[str] = []
    for engine in (_by_program, _by_library):
        try:
            found = engine(sources, limit)
        except _EngineError as error:
            said.append(str(error))
            continue
        if said and said != [_NO_DOT]:
            _log.warning("%s; drawn with pygraphviz's libraries instead", "; ".join(said))
        return found
    raise RenderError(
        f"the picture could not be laid out: {'; '.join(said)}. Install Graphviz "
        "(apt-get install graphviz) or pygraphviz>=2 (pip install pygraphviz), or draw less: "
        "fold scopes with depth=1, or leave out flat"
    )


class _EngineError(Exception):
    """What went wrong with one engine."""


Engine = Callable[[Sequence[str], float], list[dict[str, Any]]]


def _by_program(sources: Sequence[str], limit: float) -> list[dict[str, Any]]:
    program = shutil.which("dot")
    if program is None:
        raise _EngineError(_NO_DOT)
    text = _run([program, "-Tjson0"], "\n".join(sources), limit, "dot")
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    position = 0
    try:
        while len(found) < len(sources):
            while position < len(text) and text[position].isspace():
                position += 1
            layout, position = decoder.raw_decode(text, position)
            found.append(layout)
    except json.JSONDecodeError as error:
        raise _EngineError(f"dot wrote what is not JSON ({error})") from error
    return found


def _by_library(sources: Sequence[str], limit: float) -> list[dict[str, Any]]:
    command = [sys.executable, "-P", str(_CHILD)]
    text = _run(command, json.dumps(list(sources)), limit, "pygraphviz")
    try:
        return [json.loads(layout) for layout in json.loads(text)]
    except (json.JSONDecodeError, TypeError) as error:
        raise _EngineError(f"pygraphviz wrote what is not JSON ({error})") from error


def _run(command: list[str], given: str, limit: float, name: str) -> str:
    try:
        done = subprocess.run(
            command,
            input=given,
            capture_output=True,
            timeout=limit,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _EngineError(f"{name} was stopped after {limit:g} s") from None
    except OSError as error:
        raise _EngineError(f"{name} could not be started: {error.strerror or error}") from error
    if done.returncode or not done.stdout.strip():
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise _EngineError(f"{name} failed with exit code {done.returncode}: {last[:300]}")
    return done.stdout
