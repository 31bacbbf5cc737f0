"""The benchmark: ``python tests/bench/report.py FOLDER`` prints a Markdown table.

CPU seconds of a process and its children, the median of several processes; of the page in a browser
wall clock. They differ from machine to machine; the ratios are of jobs that took turns in this run.
A job that fails, such as torchview's where ``dot`` is missing, has its reason in its row.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import models
import pages

ROUNDS = 3
SIZES = (1_000, 10_000, 100_000)
STARTS = {
    "import graphlens": "import graphlens",
    "graphlens --help": "from graphlens.cli import main\n"
    "try: main(['--help'])\nexcept SystemExit: pass",
}
HERE = Path(__file__).parent


class JobFailedError(Exception):
    """A job that gave no number; its text is the reason, in one line."""


def main() -> None:
    """Measure everything and print it."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/bench")
    folder.mkdir(parents=True, exist_ok=True)
    print("| job (CPU seconds) | graphlens | peer | ratio |\n|---|---|---|---|", flush=True)
    for line in itertools.chain(
        _against_peers(folder), _growth(folder), _unlike(folder), _start(), pages.rows(folder)
    ):
        print(line, flush=True)
    print(f"\n{_HEADS}\n|{'---|' * (_HEADS.count('|') - 1)}", flush=True)
    for line in _pictures(folder):
        print(line, flush=True)


_LIMIT = 180
"""Seconds that a picture may take: Graphviz's time has no bound."""
_HEADS = (
    "| picture, default options | smallest type on A4, pt | width : height | boxes | crossings | "
    "arrows over boxes | texts over texts | texts over arrows | texts over frames | texts cut | "
    "kB | CPU s to draw |"
)
_DRAWN = {
    "drawn_by_graphlens": "graphlens",
    "before_and_after": "graphlens, before and after",
    "drawn_by_torchview": "torchview",
}
"""The jobs that draw a picture, and who does."""

_UNLIKE = ("scattered", "scattered in scopes", "joined inputs", "branches of 5", "short branches")
"""The graphs of `jobs.UNLIKE`."""


def _pictures(folder: Path) -> Iterator[str]:
    """What can be measured of the pictures of several models, ours and torchview's."""
    for name in models.MODELS:
        for job, title in _DRAWN.items():
            try:
                found = _run(job, folder, name, _LIMIT)
            except JobFailedError as reason:
                yield f"| {name}, {title} | {reason} |{'  |' * (_HEADS.count('|') - 3)}"
                continue
            yield (
                f"| {name}, {title} | {found['type']:.1f} | {found['aspect']:.2f} | "
                f"{found['boxes']} | {found['crossings']} | {found['over_boxes']} | "
                f"{found['overlaps']} | {found['over_lines']} | {found['over_frames']} | "
                f"{found['cut']} | {found['bytes'] / 1000:.0f} | {found['drawing']:.2f} |"
            )


def _against_peers(folder: Path) -> Iterator[str]:
    pictures = ("picture_by_graphlens", "picture_by_torchview", "")
    yield _row("ResNet-50: capture, canonicalise, SVG, against torchview", folder, *pictures)
    for name in models.EXPORTED:
        pair = ("pipeline_by_graphlens", "pipeline_by_onnxsim", name)
        yield _row(f"{name}.onnx: default pipeline, no proofs, against onnxsim", folder, *pair)


def _row(title: str, folder: Path, ours: str, theirs: str, argument: str) -> str:
    """Both jobs in turns, and the ratio of their medians."""
    times: dict[str, list[float]] = {ours: [], theirs: []}
    failed: dict[str, JobFailedError] = {}
    for _ in range(ROUNDS):
        for job, held in times.items():
            if job in failed:
                continue
            try:
                held.append(_run(job, folder, argument)["seconds"])
            except JobFailedError as reason:
                failed[job] = reason
    medians = {job: statistics.median(held) for job, held in times.items() if job not in failed}
    cells = [str(failed.get(job) or f"{medians[job]:.2f} s") for job in (ours, theirs)]
    ratio = "" if failed else f"{medians[ours] / medians[theirs]:.2f}"
    return f"| {title} | {cells[0]} | {cells[1]} | {ratio} |"


def _growth(folder: Path) -> Iterator[str]:
    medians: dict[int, float] = {}
    for size in SIZES:
        rounds = ROUNDS if size < max(SIZES) else 1
        title = f"{size:,} nodes: capture to History"
        try:
            runs = [_run("growth", folder, str(size))["seconds"] for _ in range(rounds)]
        except JobFailedError as reason:
            yield f"| {title} | {reason} | | |"
            continue
        medians[size] = statistics.median(runs)
        yield f"| {title} | {medians[size]:.2f} s | | |"
    if len(medians) > 1:
        yield f"| exponent of that growth | {_slope(medians):.2f} | | |"


def _slope(seconds: dict[int, float]) -> float:
    """Least squares of log seconds over log nodes."""
    x, y = [math.log(size) for size in seconds], [math.log(each) for each in seconds.values()]
    return statistics.linear_regression(x, y).slope


def _unlike(folder: Path) -> Iterator[str]:
    """What no model looks like, some 20,000 nodes each: random, wide."""
    for name in _UNLIKE:
        for how in ("folded", "flat", "page"):
            title = f"{name}, {how}"
            try:
                found = _run("unlike_any_model", folder, f"{how}:{name}", _LIMIT)
            except subprocess.TimeoutExpired:
                yield f"| {title} | stopped after {_LIMIT} s | | |"
                continue
            yield f"| {title}: {found['nodes']:,} nodes drawn | {found['seconds']:.2f} s | | |"


def _start() -> Iterator[str]:
    bare = _start_of("pass")
    for title, code in STARTS.items():
        seconds = _start_of(code) - bare
        loaded = _loaded(code)
        yield f"| {title}, beyond Python's own start | {seconds:.3f} s, {loaded} modules | | |"


def _start_of(code: str) -> float:
    """CPU seconds of a process that runs the code."""
    times: list[float] = []
    for _ in range(5):
        before = sum(os.times()[2:4])
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        times.append(sum(os.times()[2:4]) - before)
    return statistics.median(times)


def _loaded(code: str) -> int:
    """How many modules the code loads that Python had not."""
    probe = f"import sys; held = set(sys.modules)\n{code}\nprint(len(set(sys.modules) - held))"
    return int(_output([sys.executable, "-c", probe]).splitlines()[-1])


def _run(job: str, folder: Path, argument: str, limit: float | None = None) -> dict:
    command = [sys.executable, str(HERE / "jobs.py"), job, str(folder), argument]
    return json.loads(_output(command, limit).splitlines()[-1])


def _output(command: list[str], limit: float | None = None) -> str:
    """What a command prints.

    Raises:
        JobFailedError: it ended with an error, of which the last line is the reason, or took longer
            than the limit in seconds.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        raise JobFailedError(f"stopped after {limit:g} s") from None
    if done.returncode:
        raise JobFailedError(_reason(done.stderr) or f"exit status {done.returncode}")
    return done.stdout


def _reason(complaint: str) -> str:
    """The last line of an error output, fit for a cell of a table."""
    lines = complaint.split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return (last[:160] + "..." if len(last) > 160 else last).replace("|", "/")


if __name__ == "__main__":
    main()
