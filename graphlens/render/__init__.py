"""Diagrams as SVG, DOT and text."""
