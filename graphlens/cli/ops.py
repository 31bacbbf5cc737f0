"""``graphlens ops``: the vocabulary, how the frameworks spell it, and how much of it is used."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from graphlens import registry
from graphlens.cli import arguments as common
from graphlens.cli import output
from graphlens.errors import UsageError

_SHOWN = 4
"""Spellings of a framework that the list names; ``graphlens ops NAME`` names all."""

_FRAMEWORKS = {"aten": "torch (aten, jit)", "tf": "TensorFlow", "caffe2": "Caffe2"}


def add(commands: common.Commands) -> None:
    """Add the subcommand."""
    made = common.add(commands, "ops", "list the vocabulary, or one op in full", call)
    made.add_argument("op", nargs="*", help="ops to show in full, such as Conv")
    made.add_argument(
        "--table", metavar="FILE", help="a table of graphlens sweep, to count the nodes of"
    )
    common.add_json(made)


def call(arguments: argparse.Namespace) -> None:
    """Carry it out."""
    entries = registry.load("graphlens.ops.spellings:entries")(arguments.table)
    if not arguments.op:
        text = output.columns(("op", "operands", "share", "spelt"), list(map(_row, entries)))
        output.report(arguments.json, {"ops": entries}, text)
        return
    known = {entry["op"]: entry for entry in entries}
    chosen = [_find(known, name) for name in arguments.op]
    output.report(arguments.json, {"ops": chosen}, "\n\n".join(map(_full, chosen)))


def _find(known: Mapping[str, Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    if name not in known:
        lower = {each.lower(): each for each in known}
        if name.lower() not in lower:
            near = difflib.get_close_matches(name, known, n=5, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else "'graphlens ops' lists them"
            raise UsageError(f"no op {name!r} in the vocabulary of {len(known)} ops: {hint}")
        name = lower[name.lower()]
    return known[name]


def _row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    spelt = [f"{framework}: {_some(names)}" for framework, names in entry["spelt"].items() if names]
    return entry["op"], _operands(entry["operands"]), _share(entry), "; ".join(spelt)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _operands(operands: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(_mark(each) for each in operands)


def _mark(operand: Mapping[str, Any]) -> str:
    mark = {"optional": "?", "variadic": "..."}.get(operand["kind"], "")
    return f"{operand['name']}{mark}"


def _share(entry: Mapping[str, Any]) -> str:
    share = entry["share"]
    return "-" if share is None else f"{100 * share:.2f} %"


def _full(entry: Mapping[str, Any]) -> str:
    """One op with everything that is known of it."""
    lines = [f"{entry['op']}({_operands(entry['operands'])})", f"  {entry['does']}", ""]
    for title in ("operands", "attributes", "results"):
        rows = [_detail(each) for each in entry[title]]
        if rows:
            lines += [f"{title}:", *(f"  {line}" for line in _table(rows))]
    for framework, names in entry["spelt"].items():
        if names:
            lines.append(f"{_FRAMEWORKS.get(framework, framework)}: {', '.join(names)}")
    lines.append(f"category: {entry['category']}")
    if entry["share"] is not None:
        lines.append(f"of the zoo's nodes: {_share(entry)} ({entry['nodes']:,} nodes)")
    return "\n".join(line.rstrip() for line in lines)


def _table(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows]


def _detail(each: Mapping[str, Any]) -> tuple[str, str, str]:
    default = each.get("default")
    said = f" = {default!r}" if default is not None else ""
    kind = "required" if each.get("required") else each.get("kind", "")
    return _mark(each) if "kind" in each else each["name"], each["type"] + said, kind
