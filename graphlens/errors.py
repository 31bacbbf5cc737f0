"""The error tree: every error that graphlens raises on purpose is a GraphlensError.

A message says what was found, where, what was expected and what to do.
The exit codes of the command are written on the classes, so that they cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Iterable


class GraphlensError(Exception):
    """The root of the tree; ``exit_code`` is what the command returns for it."""

    exit_code = 1


class UsageError(GraphlensError):
    """A name, option or argument that does not exist or does not fit."""

    exit_code = 2


class FormatError(GraphlensError):
    """A file that is broken, or is not what its name says."""

    exit_code = 3


class CaptureError(GraphlensError):
    """A model that its front end could not capture."""

    exit_code = 4


class GraphError(GraphlensError):
    """A graph that breaks an invariant of the IR (a cycle, a missing operand ...)."""

    exit_code = 5


class PassError(GraphlensError):
    """A pass that failed or changed the function that the graph computes."""

    exit_code = 6


class RunError(GraphlensError):
    """A graph that could not be run on the inputs given."""

    exit_code = 7


class RenderError(GraphlensError):
    """A picture that could not be laid out or written."""

    exit_code = 8


class MissingDependencyError(GraphlensError):
    """A package or program that the wanted job needs and that is not there."""

    exit_code = 9


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UsageError:
    """The error for a name that is in no table, listing those that are.

    Args:
        kind: What was looked up, in the singular: ``'pass'``, ``'front end'``.
        name: What was asked for.
        known: The names that would have been right.
    """
    return UsageError(f"unknown {kind} {name!r} (must be one of {sorted(known)})")
