"""Names with options as one writes them in a shell: ``layout{to=NCHW},fuse``."""

from __future__ import annotations

import ast
import functools
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from graphlens.errors import UsageError, unknown_name

_ITEM = re.compile(r"\s*([^\s{},]+)\s*(?:\{([^{}]*)\})?\s*(?:,|$)")
_PAIR = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*((?:\([^()]*\)|\[[^][]*\]|[^][(),])*?)\s*(?:,|$)")


def parse(text: str) -> list[tuple[str, dict[str, Any]]]:
    """``'a,b{size=3,to=NCHW}'`` as ``[('a', {}), ('b', {'size': 3, 'to': 'NCHW'})]``.

    A value is a Python literal (a number, True, None, a tuple or list of them) or else a word.

    Raises:
        UsageError: If the text is not of that form.
    """
    found: list[tuple[str, dict[str, Any]]] = []
    place = 0
    while place < len(text):
        item = _ITEM.match(text, place)
        if item is None:
            raise UsageError(
                f"cannot read {text!r} from {text[place:]!r} on: expected names with options, "
                "such as 'eliminate,layout{to=NCHW}'"
            )
        found.append((item[1], _pairs(item[2] or "", text)))
        place = item.end()
    return found


def bind(kind: str, name: str, function: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    """The function with its keyword-only options set, under its own name.

    Raises:
        UsageError: If it takes no such option.
    """
    if not options:
        return function
    parameters = inspect.signature(function).parameters.values()
    known = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    for option in options:
        if option not in known:
            if not known:
                raise UsageError(f"{kind} {name!r} takes no options, found {option!r}")
            raise unknown_name(f"option of {kind} {name!r}:", option, known)
    return functools.update_wrapper(functools.partial(function, **options), function)


def _pairs(text: str, whole: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    place = 0
    while place < len(text):
        pair = _PAIR.match(text, place)
        if pair is None:
            raise UsageError(f"cannot read the options {text!r} in {whole!r}: expected name=value")
        if pair[1] in found:
            raise UsageError(f"the option {pair[1]!r} is given twice in {whole!r}")
        found[pair[1]] = _value(pair[2])
        place = pair.end()
    return found


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
