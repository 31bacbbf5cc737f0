"""Diagrams as plain data."""
