"""The command line: reads the arguments, calls the subcommand, turns errors into exit codes."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import traceback
import warnings
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TextIO

from graphlens import registry
from graphlens.cli import (
    capture,
    completion,
    diff,
    draw,
    listing,
    memory,
    ops,
    optimize,
    output,
    sweep,
    view,
)
from graphlens.errors import GraphlensError

SUBCOMMANDS = (draw, view, optimize, memory, diff, capture, sweep, listing, ops, completion)

INTERRUPTED, PIPE_CLOSED, BUG = 130, 141, 70

DESCRIPTION = """\
See what a neural network computes, what an optimisation changed, whether it is still the same
function, and what it saved.

A MODEL is one of:
  FILE                    .onnx, .json (a saved graph), .pb, .pt2, .pt
  package.module:NAME     a model, or a callable giving a model or (model, inputs)
  file.py:NAME            the same, from a Python file
  LIBRARY:NAME            a library's model with random weights: keras:ResNet50,
                          torchvision:resnet50, timm:vit_tiny_patch16_224, transformers:bert,
                          with options: transformers:llama{num_hidden_layers=4,hidden_size=512}
"""

EXIT_CODES = """\
exit codes:
   0  done
   2  usage: an unknown name or option, a file that is missing or cannot be written
   3  a file that is broken or not what its name says
   4  a model that cannot be captured
   5  a graph that breaks a rule of the IR, such as a cycle
   6  a pass that failed or changed what the graph computes
   7  a graph that cannot be run
   8  a picture that cannot be laid out
   9  a package or program that is not installed
  70  a bug in graphlens
 130  interrupted
 141  the reader of the output went away

examples:
  graphlens draw model.onnx -o model.svg
  graphlens optimize torchvision:resnet50 -o before_after.svg --save fast.onnx
  graphlens view torchvision:resnet50 -o model.html
  graphlens memory keras:MobileNetV2 -o memory.svg --json -
  graphlens diff before.onnx after.onnx -o diff.svg
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line, with nothing imported that it does not need itself."""
    whole = argparse.ArgumentParser(
        prog="graphlens",
        description=DESCRIPTION,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="store_true", help="print the version and stop")
    whole.add_argument("--debug", action="store_true", help="show where an error came from")
    commands = whole.add_subparsers(metavar="COMMAND", dest="command")
    for each in SUBCOMMANDS:
        each.add(commands)
    for each in commands.choices.values():
        each.add_argument(
            "--debug",
            action="store_true",
            default=argparse.SUPPRESS,
            help="show where an error came from",
        )
    return whole


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments, by default the process's own.

    Returns:
        The exit code; the codes are listed by ``graphlens --help``.
    """
    with _open_streams():
        return _main(argv)


def _main(argv: Sequence[str] | None) -> int:
    whole = parser()
    if completion.wanted(os.environ):
        return completion.answer(whole)
    arguments = whole.parse_args(argv)
    if arguments.version:
        arguments.call = _version
    elif arguments.command is None:
        whole.print_help(sys.stderr)
        return 2
    return _guarded(arguments)


def _version(_: argparse.Namespace) -> None:
    output.say(f"graphlens {registry.version()}")


@contextlib.contextmanager
def _open_streams() -> Generator[None]:
    """A process may be started without stdout or stderr: what would go there goes nowhere."""
    with Path(os.devnull).open("w") as nowhere, contextlib.ExitStack() as stack:
        if not sys.stdout:
            stack.enter_context(contextlib.redirect_stdout(nowhere))
        if not sys.stderr:
            stack.enter_context(contextlib.redirect_stderr(nowhere))
        yield


def _guarded(arguments: argparse.Namespace) -> int:
    """Call the subcommand; whatever happens, one message and the exit code for it."""
    try:
        _hush(arguments.debug)
        arguments.call(arguments)
    except GraphlensError as error:
        return _told(error, str(error), error.exit_code, arguments.debug)
    except BrokenPipeError:
        return PIPE_CLOSED
    except KeyboardInterrupt as error:
        return _told(error, "interrupted", INTERRUPTED, arguments.debug)
    except Exception as error:  # the last stop of a bug: the reader gets one line, not a traceback
        problem = f"{type(error).__name__}: {error}".splitlines()[0]
        hint = "" if arguments.debug else "; run it again with --debug and report what it prints"
        return _told(error, f"a bug in graphlens: {problem}{hint}", BUG, arguments.debug)
    finally:
        _close(sys.stdout)
    return 0


def _told(error: BaseException, message: str, code: int, debug: bool) -> int:
    with contextlib.suppress(OSError):  # where nothing can be told, the code still tells
        if debug:
            traceback.print_exception(error, file=sys.stderr)
        print(f"graphlens: {message}", file=sys.stderr, flush=True)
    _close(sys.stderr)
    return code


def _close(stream: TextIO) -> None:
    """Let go of what a stream could not write: Python tries again as it ends, and complains."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _hush(debug: bool) -> None:
    """Keep the frameworks' own notes out of the way of ours."""
    if debug:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")
    warnings.simplefilter("ignore")
