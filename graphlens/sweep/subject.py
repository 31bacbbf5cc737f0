"""A model of the zoo that has been made: what is swept, and by which front ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Subject:
    """A model and what it is called with.

    Attributes:
        model: The framework's object.
        inputs: Positional arguments of its call, the framework's tensors.
        kwargs: Arguments by name.
        about: How it was made, where there was a choice.
    """

    model: Any
    inputs: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    about: str = ""


class CannotBuildError(Exception):
    """A model that its library does not make here, or does not run."""
