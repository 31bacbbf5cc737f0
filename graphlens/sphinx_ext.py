"""The Sphinx directive ``.. graphlens::``: a picture that is drawn when the page is built.

In a page::

    .. graphlens:: torchvision:resnet18
       :kind: before-after
       :caption: What the passes did.

    .. graphlens::

       import my_package, graphlens
       graphlens.plan_memory(graphlens.capture(*my_package.model_and_inputs()))

The argument is a MODEL as the command takes it; or the body is Python, whose last line is what is
drawn: a graph, a history, a memory plan or a difference. Set up by ``extensions =
["graphlens.sphinx_ext"]``. As with every directive that runs code, build only what you trust.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.parsers.rst.directives.images import Figure
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from graphlens import api, registry
from graphlens.cli import models
from graphlens.cli.progress import Progress
from graphlens.errors import CaptureError, GraphlensError, UsageError

_FORMATS = {"image/svg+xml": ".svg", "application/pdf": ".pdf", "image/png": ".png"}
"""Best first; which of them a page may hold is the builder's to say."""

_SUFFIX = "graphlens_suffix"
"""Attribute of the build's environment: the format that was chosen."""

_KINDS: dict[str, Callable[[Any], Any]] = {
    "graph": lambda graph: graph,
    "before-after": lambda graph: api.optimize(graph),
    "memory": lambda graph: api.plan_memory(graph),
}


def _kind(text: str) -> str:
    return directives.choice(text, tuple(_KINDS))


class Graphlens(SphinxDirective):
    """Draws a model, or what the Python in its body gives, as a figure of the page."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Callable[[str], Any]] | None] = {
        "kind": _kind,
        "via": directives.unchanged_required,
        "input": directives.unchanged_required,
        "passes": directives.unchanged_required,
        "depth": directives.nonnegative_int,
        "flat": directives.flag,
        "expand": directives.unchanged_required,
        "caption": directives.unchanged_required,
        **{
            key: (Figure.option_spec or {})[key]
            for key in ("alt", "width", "align", "class", "name")
        },
    }

    def run(self) -> list[nodes.Node]:
        """The figure, or an error of the build that says what was wrong."""
        try:
            path = self._drawn()
        except GraphlensError as error:
            raise self.error(f"graphlens: {error}") from error
        image = nodes.image(uri=self._uri(path), alt=self.options.get("alt", self._title()))
        if width := self.options.get("width"):
            image["width"] = width
        figure = nodes.figure("", image, classes=["graphlens", *self.options.get("class", ())])
        figure["align"] = self.options.get("align", "center")
        if caption := self.options.get("caption"):
            figure += nodes.caption("", "", *self.parse_inline(caption)[0])
        self.set_source_info(figure)
        self.add_name(figure)
        return [figure]

    def _drawn(self) -> Path:
        """The file of the picture, in the one format of the builder's that serves best."""
        suffix = str(getattr(self.env, _SUFFIX, ".svg"))
        folder = Path(self.env.doctreedir) / "graphlens"
        folder.mkdir(parents=True, exist_ok=True)
        asked = repr((self.arguments, sorted(self.options.items()), list(self.content)))
        path = folder / f"graphlens-{hashlib.sha256(asked.encode()).hexdigest()[:16]}{suffix}"
        api.draw(self._thing(), path, **self._choices())
        return path

    def _thing(self) -> Any:
        if bool(self.arguments) == bool(self.content):
            raise UsageError("expected a MODEL as the argument, or Python as the body")
        if self.content:
            return _value("\n".join(self.content), f"{self.env.docname}:{self.lineno}")
        (model,) = self.arguments
        if Path(model).is_file():
            self.env.note_dependency(Path(model).resolve())
        given = self.options.get("input", "").split()
        asked = argparse.Namespace(input=given, via=self.options.get("via"), trust=False)
        graph = models.capture(model, asked, Progress(io.StringIO()))
        if passes := self.options.get("passes"):
            graph = api.optimize(graph, [passes], prove=False).after
        return _KINDS[self.options.get("kind", "graph")](graph)

    def _choices(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if "depth" in self.options:
            found["depth"] = self.options["depth"]
        if "flat" in self.options:
            found["flat"] = True
        if "expand" in self.options:
            found["expand"] = tuple(self.options["expand"].split())
        return found

    def _title(self) -> str:
        return self.arguments[0] if self.arguments else "a computation graph"

    def _uri(self, path: Path) -> str:
        page = Path(self.env.doc2path(self.env.docname)).parent
        return os.path.relpath(path, page).replace(os.sep, "/")


def _value(code: str, where: str) -> Any:
    """What the last line of some Python gives.

    Raises:
        CaptureError: If the code fails.
        UsageError: If it is no Python, or its last line is no expression.
    """
    try:
        tree = ast.parse(code, where)
    except SyntaxError as error:
        raise UsageError(f"the body is no Python: {error}") from error
    last = tree.body.pop()
    if not isinstance(last, ast.Expr):
        raise UsageError(f"the last line gives no value to draw: {ast.unparse(last)!r}")
    names: dict[str, Any] = {"__name__": "__graphlens__"}
    try:
        exec(compile(tree, where, "exec"), names)
        return eval(compile(ast.Expression(last.value), where, "eval"), names)
    except GraphlensError:
        raise
    except Exception as error:  # the page's own code
        raise CaptureError(f"the body raised {type(error).__name__}: {error}") from error


def _choose(app: Sphinx) -> None:
    supported = app.builder.supported_image_types
    found = (_FORMATS[kind] for kind in _FORMATS if kind in supported)
    setattr(app.env, _SUFFIX, next(found, ".svg"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directive known to Sphinx."""
    app.add_directive("graphlens", Graphlens)
    app.connect("builder-inited", _choose)
    return {"version": registry.version(), "parallel_read_safe": True}
