"""The table of a sweep for people: Markdown and HTML, one line a model, the summary on top."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from graphlens.sweep.row import Row
from graphlens.sweep.summary import by_front_end, by_set, causes, reasons, share, summary

HEADS = (
    "model", "result", "captured by", "nodes", "vocabulary", "largest error", "one graph",
    "kernels", "traffic", "peak", "capture", "own capture", "picture", "reasons",
)  # fmt: skip


def cells(row: Row) -> tuple[str, ...]:
    """A row as the words of one line, one for each of `HEADS`."""
    entries = row.frontends
    captured = {via: held for via, held in entries.items() if held["status"] != "failed"}
    nodes = sum(held["nodes"] for held in captured.values())
    foreign = sum(sum(held["foreign"].values()) for held in captured.values())
    errors = [held["max_error"] for held in captured.values() if held["max_error"] is not None]
    return (
        str(row.spec),
        row.status,
        ", ".join(f"{via} ({held['status']})" for via, held in entries.items()),
        "/".join(dict.fromkeys(str(held["nodes"]) for held in captured.values())),
        f"{100 * (1 - foreign / nodes):.2f} %" if nodes else "",
        f"{max(errors):.1e}" if errors else "",
        str(row.one_graph.get("status", "")),
        _change(row.optimize.get("kernels"), 1, ""),
        _change(row.optimize.get("traffic_bytes"), 1e6, " MB"),
        _change(row.optimize.get("peak_bytes"), 1e6, " MB"),
        _seconds(entries, "seconds"),
        _seconds(entries, "bare_seconds"),
        _picture(row.draw),
        "; ".join(reasons(row)),
    )


def _picture(found: Mapping[str, object]) -> str:
    """``452 x 270, 0.1 s``."""
    if "width" not in found:
        return ""
    return f"{found['width']} x {found['height']}, {found['seconds']} s"


def _change(pair: Sequence[float | None] | None, unit: float, title: str) -> str:
    """``280 -> 51``."""
    if pair is None:
        return ""
    shown = ["?" if held is None else f"{held / unit:.4g}" for held in pair]
    return f"{' -> '.join(shown)}{title}"


def _seconds(entries: Mapping[str, Mapping[str, object]], key: str) -> str:
    found = [held[key] for held in entries.values()]
    return " / ".join("-" if each is None else f"{each} s" for each in found)


def markdown(rows: Sequence[Row]) -> str:
    """The whole table as Markdown."""
    lines = [f"{summary(rows)}.", ""]
    lines += [f"- {name}: {held}" for name, held in by_set(rows).items()]
    for heads, table in (ways(rows), why(rows)):
        lines += ["", _bars(heads), _bars(["---"] * len(heads)), *map(_bars, table)]
    lines += ["", _bars(HEADS), _bars(["---"] * len(HEADS))]
    lines += [_bars(cells(row)) for row in rows]
    return "\n".join(lines) + "\n"


def ways(rows: Sequence[Row]) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    """A line for each way in: what it took, what the framework's own takes, and how long."""
    heads = ("way in", "equal", "of those the framework's own takes", "our time over its own")
    lines = [
        (
            via,
            share(held.equal, held.tried),
            share(held.also, held.bare),
            "" if held.overhead is None else f"{held.overhead:.2f} x (median)",
        )
        for via, held in by_front_end(rows).items()
    ]
    return heads, lines


def why(rows: Sequence[Row]) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    """A line for each cause of a model's not being sound, the commonest first."""
    found = causes(rows)[:_CAUSES]
    lines = [
        (str(len(models)), cause, ", ".join(models[:_NAMED]) + (" ..." * (len(models) > _NAMED)))
        for cause, models in found
    ]
    return ("models", "why not", "such as"), lines


_CAUSES, _NAMED = 30, 5
"""Causes that are listed, and models named of each."""


def _bars(words: Sequence[str]) -> str:
    """One line; what names and messages hold of Markdown's own marks is made harmless."""
    kept = (word.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") for word in words)
    return f"| {' | '.join(kept)} |"


def html(rows: Sequence[Row]) -> str:
    """The whole table as a page that needs nothing else."""
    page = Element("html", lang="en")
    head = SubElement(page, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "title").text = "graphlens sweep"
    SubElement(head, "style").text = _STYLE
    body = SubElement(page, "body")
    SubElement(body, "p").text = f"{summary(rows)}."
    listed = SubElement(body, "ul")
    for name, held in by_set(rows).items():
        SubElement(listed, "li").text = f"{name}: {held}"
    for heads, table in (ways(rows), why(rows)):
        body.append(tabled(heads, table))
    kinds = [row.status.replace(" ", "-") for row in rows]
    body.append(tabled(HEADS, [cells(row) for row in rows], kinds))
    indent(page)
    return "<!DOCTYPE html>\n" + tostring(page, "unicode", method="html") + "\n"


def tabled(
    heads: Sequence[str], lines: Sequence[Sequence[str]], kinds: Sequence[str] = ()
) -> Element:
    """Words as a table of HTML, each line of its kind (a class, for its colour)."""
    table = Element("table")
    _line(SubElement(SubElement(table, "thead"), "tr"), heads, "th")
    body = SubElement(table, "tbody")
    for place, words in enumerate(lines):
        marked = {"class": kinds[place]} if kinds else {}
        _line(SubElement(body, "tr", marked), words, "td")
    return table


def _line(parent: Element, words: Sequence[str], kind: str) -> None:
    for word in words:
        SubElement(parent, kind).text = word


_STYLE = (
    "body{font:14px sans-serif}table{border-collapse:collapse;margin-bottom:1em}"
    "td,th{border:1px solid #ccc;padding:2px 6px;text-align:left;vertical-align:top}"
    "thead th{position:sticky;top:0;background:#fff}"
    "tr.equal td:nth-child(2){background:#dff0d8}tr.not-built td{color:#888}"
    "tr.failed td:nth-child(2),tr.died td:nth-child(2){background:#f2dede}"
)

FORMS: Mapping[str, Callable[[Sequence[Row]], str]] = {".md": markdown, ".html": html}
"""How a table is written, by the suffix of the file."""
