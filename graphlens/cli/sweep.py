"""``graphlens sweep``: many models, one table."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphlens import files, registry
from graphlens.cli import arguments as common
from graphlens.cli import output
from graphlens.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from graphlens.sweep import Row

_STAGES = "capture,run,one_graph,optimize,plan,draw"
_UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def add(commands: common.Commands) -> None:
    """Add the subcommand."""
    made = common.add(
        commands, "sweep", "capture, run, optimise, plan and draw many models, in one table", call
    )
    made.add_argument(
        "models",
        nargs="*",
        metavar="SET|MODEL",
        help="sets of models (--list), or single ones (see graphlens --help)",
    )
    made.add_argument("--list", action="store_true", help="list the sets, and stop")
    made.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        type=common.writable,
        metavar="FILE",
        help=".jsonl grows as models are done, and is taken up again; .md and .html at the end",
    )
    _add_choice(made)
    _add_limits(made)
    common.add_json(made)


def _add_choice(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--stages", default=_STAGES, metavar="NAME,...", help=f"what is done; all are {_STAGES}"
    )
    made.add_argument("--only", default="", metavar="PATTERN", help="models such as 'resnet*'")
    made.add_argument("--limit", type=int, metavar="N", help="the first N of each set")
    made.add_argument(
        "--via", action="append", default=[], metavar="FRONTEND", help="by these front ends only"
    )
    made.add_argument("--no-bare", action="store_true", help="do not time the frameworks' own")
    made.add_argument(
        "--onnx", action="store_true", help="by torch.onnx too, which exports for long"
    )
    again = made.add_mutually_exclusive_group()
    again.add_argument(
        "--resume", action="store_true", help="leave out what the .jsonl has (the default)"
    )
    again.add_argument("--fresh", action="store_true", help="do all models anew")
    again.add_argument("--retry-failed", action="store_true", help="do those again that failed")


def _add_limits(made: argparse.ArgumentParser) -> None:
    made.add_argument("--jobs", type=_count, default=1, metavar="N", help="models at a time")
    made.add_argument(
        "--memory", type=_bytes, default="4GB", metavar="SIZE", help="of one model (4GB)"
    )
    made.add_argument(
        "--time", type=float, default=120.0, metavar="SECONDS", help="of one model (120)"
    )
    made.add_argument(
        "--scheduler", default="", metavar="tcp://...", help="a Dask cluster does the models"
    )


def call(arguments: argparse.Namespace) -> None:
    """Carry it out."""
    if arguments.list:
        rows = [(name, held.about) for name, held in registry.load(_SETS).items()]
        output.say(output.columns(("set", "models"), rows))
        return
    if not arguments.models:
        raise UsageError("no models: give sets (graphlens sweep --list) or models")
    grows, written = _outputs(arguments.output)
    rows = _swept(arguments, grows)
    for path in written:
        files.write(path, registry.load("graphlens.sweep.forms:FORMS")[path.suffix](rows))
    summary: Any = registry.load("graphlens.sweep.summary:summary")
    sets: Any = registry.load("graphlens.sweep.summary:by_set")(rows)
    lines = [f"{name}: {held}" for name, held in sets.items() if len(sets) > 1]
    output.report(
        arguments.json,
        {"rows": [row.form() for row in rows], "summary": str(summary(rows))},
        "\n".join([*lines, str(summary(rows))]),
    )


_SETS = "graphlens.sweep.sets:SETS"


def _swept(arguments: argparse.Namespace, grows: Path | None) -> Sequence[Row]:
    """The rows, with a bar of progress where stderr is a terminal."""
    package = "graphlens.sweep"
    task = registry.load(f"{package}:Task")(
        stages=tuple(part.strip() for part in arguments.stages.split(",") if part.strip()),
        memory=arguments.memory,
        seconds=arguments.time,
        vias=tuple(arguments.via),
        bare=not arguments.no_bare,
        onnx=arguments.onnx,
    )
    choice = registry.load(f"{package}:Choice")(
        only=arguments.only,
        limit=arguments.limit,
        fresh=arguments.fresh,
        retry=arguments.retry_failed,
    )
    specs = registry.load(f"{package}:asked")(arguments.models, choice)
    bar = registry.load("tqdm:tqdm")(
        total=len(specs), disable=not sys.stderr.isatty(), unit="model"
    )

    def show(row: Row, done: int, left: int) -> None:
        bar.total, bar.n = left, done
        bar.set_postfix_str(f"{row.model} {row.status}")

    with bar:
        return registry.load(f"{package}:sweep")(
            specs,
            task,
            path=grows,
            jobs=arguments.jobs,
            scheduler=arguments.scheduler,
            choice=choice,
            on_row=show,
        )


def _outputs(paths: Sequence[str]) -> tuple[Path | None, list[Path]]:
    """The file that grows, if any, and those that are written at the end."""
    found = [Path(path) for path in paths]
    for path in found:
        if path.suffix not in (".jsonl", ".md", ".html"):
            raise unknown_name("format of a table", path.suffix, (".jsonl", ".md", ".html"))
    growing = [path for path in found if path.suffix == ".jsonl"]
    if len(growing) > 1:
        raise UsageError(f"one .jsonl file can grow, found {list(map(str, growing))}")
    return (growing[0] if growing else None), [path for path in found if path not in growing]


def _bytes(text: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kMGT]?)i?B?", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: expected such as 4GB or 500MB")
    return int(float(found[1]) * _UNITS[found[2]])


def _count(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of jobs: expected 1 or more")
    return int(text)
