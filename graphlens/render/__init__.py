"""Pictures to files: themes, layout, SVG, PNG, PDF, DOT, text."""

from graphlens.render.write import RENDERERS, svg, write

__all__ = ["RENDERERS", "svg", "write"]
