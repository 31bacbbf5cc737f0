"""The pattern engine."""
