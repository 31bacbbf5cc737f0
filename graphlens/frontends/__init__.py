"""Capture: one module a way in, chosen by name."""
