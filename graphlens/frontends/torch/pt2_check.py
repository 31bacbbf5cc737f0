"""Whether a ``.pt2`` archive brings code along: torch's own reader would run it."""

from __future__ import annotations

import ast
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

from graphlens.errors import FormatError
from graphlens.frontends.pickle_read import unpickled
from graphlens.frontends.torch.archive import calls

_ZIP = b"PK\x03\x04"
_FUNCTIONS = frozenset(
    """
    Symbol Integer Float Rational Add Mul Pow Max Min Mod PythonMod FloorDiv CleanDiv CeilDiv
    IntTrueDiv FloatTrueDiv ModularIndexing PowByNatural FloatPow Where ToFloat TruncToInt
    RoundToInt FloorToInt CeilToInt RoundDecimal Identity floor ceiling Abs Eq Ne Lt Le Gt Ge
    Equality Unequality StrictLessThan LessThan StrictGreaterThan GreaterThan And Or Not Piecewise
    LShift RShift OpaqueUnaryFn_sqrt OpaqueUnaryFn_ceil OpaqueUnaryFn_floor
    """.split()  # noqa: SIM905
)
"""Functions of symbolic sizes: torch gives their text to sympy, which evaluates it as Python."""
_PLAIN = (
    ast.Expression, ast.Call, ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Compare,
    ast.BoolOp, ast.keyword, ast.Load, ast.operator, ast.unaryop, ast.cmpop, ast.boolop,
)  # fmt: skip


def refuse_code(path: Path) -> None:
    """Look through an archive for anything that runs when torch reads it.

    Raises:
        FormatError: If there is something: a pickle that calls or brings along more than tensors,
            a size that is no arithmetic.
    """
    with zipfile.ZipFile(path) as archive:
        pickled: set[str] = set()
        for name in archive.namelist():
            if name.endswith(".json"):
                pickled |= _described(json.loads(archive.read(name)), f"{str(path)!r} {name}")
        for name in archive.namelist():
            _member(archive, name, Path(name).name in pickled, f"{str(path)!r} {name}")


def _described(content: Any, where: str) -> set[str]:
    """The members that a table says are pickles; sizes are looked at on the way."""
    found: set[str] = set()
    waiting = [content]
    while waiting:
        held = waiting.pop()
        if isinstance(held, list):
            waiting += held
        elif isinstance(held, dict):
            waiting += held.values()
            if isinstance(held.get("expr_str"), str):
                _arithmetic(held["expr_str"], where)
            if held.get("use_pickle"):
                found.add(str(held.get("path_name")))
    return found


def _arithmetic(text: str, where: str) -> None:
    try:
        nodes = list(ast.walk(ast.parse(text, mode="eval")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        nodes = [ast.Lambda()]
    for node in nodes:
        named = not isinstance(node, ast.Call) or (
            isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS
        )
        word = not isinstance(node, ast.Constant | ast.Name) or re.fullmatch(
            r"-?[\w.]+", str(node.value if isinstance(node, ast.Constant) else node.id)
        )
        if not isinstance(node, _PLAIN) or not named or not word or "__" in text:
            raise FormatError(f"{where}: {text[:80]!r} is no arithmetic of sizes; it is not run")


def _member(archive: zipfile.ZipFile, name: str, is_pickle: bool, where: str) -> None:
    with archive.open(name) as file:
        head = file.read(4)
    if head == _ZIP:
        with zipfile.ZipFile(io.BytesIO(archive.read(name))) as inner:
            for one in inner.namelist():
                if one.endswith("data.pkl"):
                    unpickled(inner.read(one), calls(_nothing), where, others=False)
    elif head and (is_pickle or name.endswith((".pt", ".pkl"))):
        raise FormatError(f"{where} is a pickle of an object, not of tensors; it is not run")


def _nothing(*_: Any) -> None:
    return None
