"""Pictures to files: themes, layout, SVG, PNG, PDF, DOT, text."""

from graphlens.render.write import svg, write

__all__ = ["svg", "write"]
