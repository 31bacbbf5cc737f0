"""The vocabulary as a list to read: each op's schema, how it is spelt, and how often it occurs.

What the frameworks' tables say stands in ``spellings.json``, worked out from their rows by
``graphlens.frontends.spellings`` (``make spellings``), so that no framework is needed to list it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from onnx.defs import OpSchema

from graphlens.errors import FormatError, UsageError
from graphlens.ops.facts import facts
from graphlens.ops.proto import plain_attribute
from graphlens.ops.schema import schema, vocabulary

_KINDS = {
    OpSchema.FormalParameterOption.Optional: "optional",
    OpSchema.FormalParameterOption.Variadic: "variadic",
}

EXTENSIONS: Mapping[str, str] = {
    "Input": "A value that the graph is given when it runs.",
    "Param": "A weight: its type here, its value in the graph's store, possibly absent.",
    "Const": "A literal of the program.",
    "Output": "What the graph returns, its operands in order.",
    "Region": "Ops that run as one kernel; its body stays visible.",
}
"""What the structural ops of graphlens's own domain are."""


def entries(table: str | None = None) -> list[dict[str, Any]]:
    """Every op: its schema, spellings by framework, category, and its share of a zoo's nodes.

    Args:
        table: A table of ``graphlens sweep`` (JSON lines), or None for the counts that come with
            graphlens; the share is None where there are no counts.

    Raises:
        FormatError: If the table holds no counts of ops.
        UsageError: If there is no such file.
    """
    counts = counted(Path(table)) if table else _packaged().get("nodes", {})
    whole = sum(counts.values())
    return [_entry(domain, op, counts, whole) for domain, op in vocabulary()]


def spelt(op: str) -> dict[str, list[str]]:
    """Framework -> the names of its ops whose translation may write an op of ONNX's.

    First those of the same name, then those that are made of the fewest ops.
    """
    tables: Mapping[str, Mapping[str, list[str]]] = _packaged().get("spellings", {})
    return {
        framework: sorted(
            (name for name, ops in names.items() if op in ops),
            key=lambda name: (name.lower() != op.lower(), len(names[name]), name),
        )
        for framework, names in tables.items()
    }


@cache
def _packaged() -> dict[str, Any]:
    return json.loads(
        resources.files("graphlens.ops").joinpath("spellings.json").read_text("utf-8")
    )


def _entry(domain: str, op: str, counts: Mapping[str, int], whole: int) -> dict[str, Any]:
    name = f"{domain}.{op}" if domain else op
    found = schema(op, domain)
    nodes = counts.get(name, 0)
    return {
        "op": name,
        "does": EXTENSIONS.get(op, "") if found is None else _first_sentence(found.doc or ""),
        "category": facts(op, domain).category,
        "operands": [_parameter(each) for each in found.inputs] if found else [],
        "attributes": [_attribute(found.attributes[key]) for key in sorted(found.attributes)]
        if found
        else [],
        "results": [_parameter(each) for each in found.outputs] if found else [],
        "spelt": {} if domain else spelt(op),
        "nodes": nodes if whole else None,
        "share": nodes / whole if whole else None,
    }


def _parameter(each: OpSchema.FormalParameter) -> dict[str, Any]:
    kind = _KINDS.get(each.option, "single")
    return {"name": each.name, "type": each.type_str, "kind": kind}


def _attribute(each: OpSchema.Attribute) -> dict[str, Any]:
    kind = str(each.type).rpartition(".")[2].lower()
    usual = plain_attribute(each.default_value) if each.default_value.type else None
    return {"name": each.name, "type": kind, "default": usual, "required": each.required}


def _first_sentence(text: str) -> str:
    words = " ".join(text.split())
    end = words.find(". ")
    return words if end < 0 else words[: end + 1]


def counted(path: Path) -> Counter[str]:
    """Nodes by op over all captures of all models of a table.

    Raises:
        FormatError: If the table holds no counts of ops.
        UsageError: If there is no such file.
    """
    if not path.is_file():
        raise UsageError(f"no such table: {str(path)!r} (expected the JSON lines of a sweep)")
    found: Counter[str] = Counter()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            row = json.loads(line) if line.strip() else {}
        except ValueError as error:
            raise FormatError(f"{path}:{number} is no line of JSON: {error}") from error
        for captured in row.get("frontends", {}).values():
            found.update(captured.get("ops", {}))
    if not found:
        raise FormatError(f"{path} counts no ops: expected rows with 'ops' from graphlens sweep")
    return found
