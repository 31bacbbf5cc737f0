"""What a table of a sweep says as a whole: the shares that are the project's own numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from graphlens.sweep.row import EQUAL, EQUAL_WIDE, ONE_AT_SIZES, Row


@dataclass(frozen=True, slots=True)
class Summary:
    """Shares over a table; a share of nothing is None.

    Attributes:
        models: Rows.
        built: Those that the framework itself makes and runs here: what the shares are of.
        equal: Built models of which one front end or more gave the framework's outputs.
        wide: Those among them that are equal in float64 only: they amplify rounding.
        nodes: Operations over all graphs captured.
        known: Those in the vocabulary.
        compared: Models captured by two front ends or more, those among them whose comparison
            failed or was cut off.
        one: Those of which all gave one graph.
        sized: Of these, those that did at the sizes of the run only.
        overhead: Median of our seconds over the framework's own, of each front end and model.
        seconds: Wall time of all processes.
    """

    models: int
    built: int
    equal: int
    wide: int
    nodes: int
    known: int
    compared: int
    one: int
    sized: int
    overhead: float | None
    seconds: float

    def __str__(self) -> str:
        """One line: ``120 models: 118 of 119 captured with equal output (99.2 %) ...``."""
        parts = [
            f"{self.models} model{'s' * (self.models != 1)}, {self.built} that run here",
            f"captured with equal output {share(self.equal, self.built)}"
            + (f", {self.wide} of them in float64 only" if self.wide else ""),
            f"nodes in the vocabulary {share(self.known, self.nodes, 3)}",
            f"one graph {share(self.one, self.compared)}"
            + (f", {self.sized} of them at the sizes of the run" if self.sized else ""),
        ]
        if self.overhead is not None:
            parts.append(f"capture takes {self.overhead:.2f} x the framework's own (median)")
        return "; ".join(parts)


def summary(rows: Iterable[Row]) -> Summary:
    """The shares over some rows."""
    rows = list(rows)
    built = [row for row in rows if row.built]
    entries = [entry for row in built for entry in row.frontends.values()]
    compared = [row.one_graph for row in built if row.one_graph.get("status", "") != "single"]
    graphs = [held.get("status") for held in compared if held]
    nodes = sum(entry["nodes"] for entry in entries)
    ratios = overheads(built)
    return Summary(
        models=len(rows),
        built=len(built),
        equal=sum(row.status in EQUAL or _any_equal(row) for row in built),
        wide=sum(row.status == EQUAL_WIDE for row in built),
        nodes=nodes,
        known=nodes - sum(sum(entry["foreign"].values()) for entry in entries),
        compared=len(graphs),
        one=graphs.count("one") + graphs.count(ONE_AT_SIZES),
        sized=graphs.count(ONE_AT_SIZES),
        overhead=median(ratios) if ratios else None,
        seconds=sum(row.seconds for row in rows),
    )


def by_set(rows: Sequence[Row]) -> dict[str, Summary]:
    """The same for each set, in the order of the table."""
    names = dict.fromkeys(row.set for row in rows)
    return {name: summary(row for row in rows if row.set == name) for name in names}


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """What one front end did over a table.

    Attributes:
        tried: Models that it was given and that the framework itself runs.
        equal: Those captured with the framework's own outputs.
        bare: Those that the framework's own capture takes, where that was tried.
        also: Those of ``bare`` that are in ``equal``.
        overhead: Median of our seconds over the framework's own, None where it has none.
    """

    tried: int
    equal: int
    bare: int
    also: int
    overhead: float | None


def by_front_end(rows: Iterable[Row]) -> dict[str, FrontEnd]:
    """The front ends of a table, by name."""
    rows = [row for row in rows if row.built]
    found: dict[str, FrontEnd] = {}
    for via in dict.fromkeys(via for row in rows for via in row.frontends):
        entries = [row.frontends[via] for row in rows if via in row.frontends]
        bare = [entry for entry in entries if entry["bare_seconds"] is not None]
        ratios = [e["seconds"] / e["bare_seconds"] for e in bare if e["seconds"] is not None]
        found[via] = FrontEnd(
            tried=len(entries),
            equal=sum(entry["status"] in EQUAL for entry in entries),
            bare=len(bare),
            also=sum(entry["status"] in EQUAL for entry in bare),
            overhead=median(ratios) if ratios else None,
        )
    return found


def causes(rows: Iterable[Row]) -> list[tuple[str, list[str]]]:
    """Why rows are not sound, each with the models that it is true of, the commonest first.

    Names in quotes and numbers are taken out of a reason, so that one cause is one line.
    """
    found: dict[str, list[str]] = {}
    for row in rows:
        for reason in reasons(row):
            cause = _NUMBERS.sub("#", _QUOTED.sub("'...'", reason))
            models = found.setdefault(cause, [])
            if str(row.spec) not in models:
                models.append(str(row.spec))
    return sorted(found.items(), key=lambda item: -len(item[1]))


_QUOTED, _NUMBERS = re.compile(r"'[^']*'"), re.compile(r"\d+(\.\d+)?(e-?\d+)?")


def overheads(rows: Iterable[Row]) -> list[float]:
    """Our seconds over the framework's own, wherever both captured."""
    return [
        entry["seconds"] / entry["bare_seconds"]
        for row in rows
        for entry in row.frontends.values()
        if entry["seconds"] and entry["bare_seconds"]
    ]


def reasons(row: Row) -> list[str]:
    """Why a row is not sound, one line each; empty if it is."""
    found = [row.reason] if row.reason else []
    for via, entry in row.frontends.items():
        if entry["reason"]:
            found.append(f"{via}: {entry['reason']}")
        if entry["foreign"]:
            found.append(f"{via}: outside the vocabulary: {', '.join(entry['foreign'])}")
    against = row.one_graph.get("against")
    several = row.one_graph.get("status") == "several"
    for via, difference in row.one_graph.get("difference", {}).items() if several else ():
        found.append(f"{via} is another graph than {against}: {difference}")
    for stage in ("one_graph", "optimize", "plan", "draw"):
        reason = getattr(row, stage).get("reason")
        if reason:
            found.append(f"{stage}: {reason}")
    return list(dict.fromkeys(found))


def share(part: int, whole: int, digits: int = 1) -> str:
    """``118 of 120 (98.3 %)``."""
    if not whole:
        return "0 of 0"
    # 99.97 % must not be read as all of them
    percent = 100 * part / whole
    if part < whole:
        percent = min(percent, 100 - 10.0**-digits)
    return f"{part} of {whole} ({percent:.{digits}f} %)"


def _any_equal(row: Row) -> bool:
    """A row that was cut off later was equal all the same."""
    return any(entry["status"] in EQUAL for entry in row.frontends.values())
