"""Models that are named one by one: ``file.py:NAME``, ``package.module:NAME``, ``timm:NAME``."""

from __future__ import annotations

from graphlens import registry
from graphlens.sweep.subject import Subject


def names() -> list[str]:
    """None: whoever asks for a sweep names them."""
    return []


def build(name: str) -> Subject:
    """The model that a MODEL argument of the command names, and its inputs."""
    made = registry.load("graphlens.cli.models:read")(name)
    return Subject(made.model, made.inputs, made.kwargs)
