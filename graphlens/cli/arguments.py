"""Arguments that several subcommands share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from graphlens import registry
from graphlens.errors import UsageError

Commands = Any
"""What `argparse.ArgumentParser.add_subparsers` returns; argparse does not name it publicly."""


def add(commands: Commands, name: str, summary: str, call: Callable[[Any], None]) -> Any:
    """A subcommand that ``call`` carries out."""
    made = commands.add_parser(
        name,
        help=summary,
        description=summary[:1].upper() + summary[1:] + ".",
        epilog="What a MODEL is and what the exit codes mean: graphlens --help",
    )
    made.set_defaults(call=call)
    return made


def add_model(made: argparse.ArgumentParser, *names: str) -> None:
    """One or more models, and how to capture them."""
    for name in names or ("model",):
        made.add_argument(name, metavar=name.upper(), help="see graphlens --help")
    made.add_argument(
        "--via",
        metavar="FRONTEND[{OPTION=VALUE}]",
        help="the way in (graphlens list frontends), such as tf.file{signature=train}; by default "
        "the one for the model's type",
    )
    made.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="[NAME=]SHAPE[:DTYPE]",
        help="an input, such as 1x3x224x224:float32; once for each, in the model's order",
    )
    made.add_argument(
        "--trust",
        action="store_true",
        help="allow a file to run the code that it brings along (a pickled module)",
    )


def add_output(made: argparse.ArgumentParser, meaning: str, required: bool = True) -> None:
    """Where the picture or file goes."""
    made.add_argument(
        "-o",
        "--output",
        type=writable,
        required=required,
        metavar="FILE",
        help=meaning,
    )


def add_json(made: argparse.ArgumentParser) -> None:
    """The report for machines."""
    made.add_argument(
        "--json",
        type=writable,
        nargs="?",
        const="-",
        metavar="FILE",
        help="write the results as JSON to FILE, or to stdout in place of the text",
    )


def add_passes(made: argparse.ArgumentParser, meaning: str) -> None:
    """Which passes to run."""
    made.add_argument("--passes", type=named, metavar="NAME[{OPTION=VALUE}],...", help=meaning)


def named(text: str) -> str:
    """Names of passes; an empty text is a variable of the shell that is not set, not all of them.

    Raises:
        argparse.ArgumentTypeError: If there are none.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("no pass is named: graphlens list passes")
    return text


def add_folding(made: argparse.ArgumentParser) -> None:
    """How much of a picture is folded; by default as much as one page needs."""
    made.add_argument(
        "--depth", type=int, metavar="N", help="show N levels of modules, and fold what is deeper"
    )
    made.add_argument("--flat", action="store_true", help="every operation, no module boxes")
    made.add_argument(
        "--expand",
        action="append",
        metavar="SCOPE",
        help="unfold this module (layer1.0); may be given more than once",
    )


def add_overlay(
    made: argparse.ArgumentParser,
    measures: Sequence[str],
    meaning: str = "colour boxes by what they cost, or by sort, with a scale",
) -> None:
    """What boxes are coloured by; by default the kind of operation."""
    made.add_argument(
        "--color-by",
        type=_colouring(measures),
        metavar=f"{{{','.join(measures)},FILE.json}}",
        help=f"{meaning}; a file has a number of one's own for each node: "
        '{"conv1": 0.5, "fc": 2}',
    )


def _colouring(measures: Sequence[str]) -> Callable[[str], str]:
    """What takes the name of a measure, or of a file that is there."""

    def colouring(text: str) -> str:
        if text in measures or (text.endswith(".json") and Path(text).is_file()):
            return text
        missing = "there is no such file" if text.endswith(".json") else "no such measure"
        raise argparse.ArgumentTypeError(
            f"cannot colour by {text!r}: {missing} (must be one of {', '.join(measures)}, or a "
            ".json file)"
        )

    return colouring


MEASURES = ("flops", "bytes", "params", "memory", "time", "dtype", "scope", "group")
"""What boxes can be coloured by."""


def folding(arguments: argparse.Namespace) -> dict[str, Any]:
    """The choices of `add_folding` and `add_overlay` that were made, by the views' names."""
    given = {
        "depth": arguments.depth,
        "flat": arguments.flat or None,
        "expand": tuple(arguments.expand) if arguments.expand else None,
    }
    return {name: value for name, value in given.items() if value is not None} | colours(arguments)


def colours(arguments: argparse.Namespace) -> dict[str, Any]:
    """What boxes are coloured by, by the views' name for it; a file is read.

    Raises:
        UsageError: If a file cannot be read, or holds something else than numbers.
    """
    by: str | None = getattr(arguments, "color_by", None)
    if by is None:
        return {}
    read = registry.load("graphlens.view.own:read")
    return {"color_by": read(Path(by)) if by.endswith(".json") else by}


def check_picture(arguments: argparse.Namespace) -> None:
    """Refuse a picture that nothing writes: better known before the work than after.

    Raises:
        UsageError: If its suffix names no format, or it is a page and was to be folded.
    """
    if arguments.output is None:
        return
    page = Path(arguments.output).suffix.lower() == ".html"
    if not page:
        check_format(arguments.output, (*registry.load("graphlens.render:RENDERERS"), ".html"))
    unfit = [name for name in _FOR_PICTURES if getattr(arguments, name, None)] if page else []
    if unfit:
        told = ", ".join(f"--{name.replace('_', '-')}" for name in unfit)
        raise UsageError(
            f"{arguments.output!r} is a page, in which everything can be opened and closed: "
            f"leave out {told}, or draw a picture (.svg)"
        )


_FOR_PICTURES = ("depth", "flat", "expand", "strip", "threads", "source_url")
"""Options that pages have no use for."""


def check_format(path: str, known: Iterable[str]) -> None:
    """Refuse a file whose suffix names none of the formats.

    Raises:
        UsageError: Listing those there are.
    """
    if Path(path).suffix.lower() not in known:
        raise UsageError(f"cannot write {path!r}: its suffix must be one of {', '.join(known)}")


def writable(text: str) -> str:
    """The path, if a file could be written there: better known before the work than after.

    Raises:
        argparse.ArgumentTypeError: If it could not.
    """
    if text == "-":
        return text
    try:
        reason = _hindrance(Path(text)) if text else "the name is empty"
    except OSError as error:  # a name that is too long
        reason = error.strerror
    if reason:
        raise argparse.ArgumentTypeError(f"cannot write {text!r}: {reason}")
    return text


def _hindrance(path: Path) -> str:
    """Why no file can be written there, so far as one sees without trying."""
    if path.is_dir():
        return "it is a folder"
    if not path.parent.is_dir():
        return f"no folder {str(path.parent)!r}"
    if not os.access(path.parent, os.W_OK):
        return f"the folder {str(path.parent)!r} is not writable"
    return ""
