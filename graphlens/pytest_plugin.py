"""The pytest fixture ``graph_snapshot``: fails, with a drawn difference, when a graph changes.

In a test::

    def test_the_model_is_the_one_that_we_ship(graph_snapshot):
        graph_snapshot(graphlens.capture(model, example))

The graph is kept without its weights in ``graphs/<file>/<test>.json`` beside the test's file, for
version control. ``pytest --graph-update`` writes it, and writes it anew where a change is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from graphlens import api, registry
from graphlens.errors import GraphlensError

if TYPE_CHECKING:
    from graphlens.ir.graph import Graph

_LINES = 30
"""Lines of a difference that a failure prints; all of it is in the picture."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes snapshots."""
    parser.getgroup("graphlens").addoption(
        "--graph-update",
        action="store_true",
        help="write the graphs of graph_snapshot instead of comparing with them",
    )
    parser.getgroup("graphlens").addoption(
        "--graph-diffs",
        metavar="FOLDER",
        help="where graph_snapshot draws differences (by default a temporary folder)",
    )


class Snapshots:
    """The snapshots of one test; called with a graph, it compares or writes."""

    def __init__(self, folder: Path, stem: str, scratch: Callable[[], Path], update: bool) -> None:
        """The snapshots of the test ``stem``, kept in ``folder``; pictures go to ``scratch()``."""
        self._folder, self._stem, self._scratch, self._update = folder, stem, scratch, update
        self._taken: set[str] = set()

    def __call__(self, graph: Graph, name: str = "") -> None:
        """Compare a graph with what was kept: its ops, attributes, dataflow and types.

        Names of nodes and values of weights may differ. To compare in canonical form, hand in
        ``graphlens.optimize(graph, ["canonicalize"], prove=False).after``.

        Args:
            graph: What the model's graph is now.
            name: Tells the graphs of one test apart.

        Raises:
            Failed: If it differs, or nothing was kept yet.
        """
        __tracebackhide__ = True
        if name in self._taken:
            pytest.fail(f"two graphs of one test have the name {name!r}: pass name=")
        self._taken.add(name)
        path = self._folder / (_file_name(f"{self._stem}-{name}" if name else self._stem) + ".json")
        bare = _without_weights(graph)
        if self._update:
            path.parent.mkdir(parents=True, exist_ok=True)
            api.save(bare, path)
        elif not path.is_file():
            pytest.fail(f"no graph was kept at {path}: run pytest --graph-update to write it")
        else:
            self._compare(api.load(path), bare, path)

    def _compare(self, kept: Graph, found: Graph, path: Path) -> None:
        __tracebackhide__ = True
        first = registry.load("graphlens.analysis.equivalent:isomorphic")(kept, found)
        if first is None:
            return
        lines = str(api.diff(kept, found)).splitlines()
        rest = [f"... and {len(lines) - _LINES} lines more"] if len(lines) > _LINES else []
        drawn = self._drawn(kept, found, path)
        pytest.fail(
            "\n".join(
                [
                    f"the graph is not the one kept at {path}: {first}",
                    *lines[:_LINES],
                    *rest,
                    drawn,
                    "if the change is meant: pytest --graph-update",
                ]
            )
        )

    def _drawn(self, kept: Graph, found: Graph, path: Path) -> str:
        """Where the difference is drawn; a picture that fails must not hide the difference."""
        picture = self._scratch() / f"{path.stem}.svg"
        try:
            api.draw(api.diff(kept, found), picture)
        except GraphlensError as error:
            return f"(it could not be drawn: {error})"
        return f"drawn: {picture}"


def _without_weights(graph: Graph) -> Graph:
    """A copy whose Params have types only: a snapshot is of the graph, not of a checkpoint."""
    bare = graph.copy()
    for name in bare.params:
        bare.weights.pop(name, None)
    return bare


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text)


@pytest.fixture
def graph_snapshot(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Snapshots:
    """Compares a model's graph with the one that was kept (see `Snapshots`)."""
    file, test = Path(request.path), str(request.node.name)
    chosen = request.config.getoption("--graph-diffs")

    def scratch() -> Path:
        if not chosen:
            return tmp_path_factory.mktemp("graph_diffs")
        folder = Path(chosen)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    update = bool(request.config.getoption("--graph-update"))
    return Snapshots(file.parent / "graphs" / file.stem, test, scratch, update)
