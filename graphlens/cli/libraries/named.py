"""What the libraries have in common: a name that is not there, and a maker that refuses."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphlens.errors import UsageError


def unknown(library: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a model that a library does not have, with those that are spelt like it."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=5, cutoff=0.5) or known[:5]
    return UsageError(
        f"unknown model {name!r} of {library} (it has {len(known)}, such as {', '.join(close)})"
    )


def made(library: str, name: str, maker: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    """The model that the library makes with these options.

    Raises:
        UsageError: If it refuses them.
    """
    try:
        return maker(**options)
    except Exception as error:  # a library refuses in as many ways as it has models
        said = {key: each for key, each in options.items() if isinstance(each, _SAYABLE)}
        whose = " ".join(str(error).split())[:400]
        raise UsageError(
            f"{library} does not make {name!r}{f' with {said}' if said else ''}: "
            f"{type(error).__name__}: {whose}"
        ) from error


_SAYABLE = (str, int, float, tuple, list, type(None))
"""Types of options that a message shows; configurations fill pages."""
