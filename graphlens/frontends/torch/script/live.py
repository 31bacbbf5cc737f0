"""Recording a TorchScript program on real tensors, where shapes or branches depend on data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch._dispatch.python import enable_python_dispatcher

from graphlens.frontends.torch.live import Live
from graphlens.frontends.torch.roots import Roots
from graphlens.frontends.torch.shadows import Shadows
from graphlens.frontends.torch.translate import Translator


class LiveScript(Live):
    """A recorder of a program whose lines are not those of Python frames.

    Attributes:
        line: The user's line of the op that is run next.
    """

    def __init__(self, translator: Translator, roots: Roots, shadows: Shadows) -> None:
        """A recorder that writes into ``translator``."""
        super().__init__(translator, roots, shadows)
        self.line: tuple[str, int] = ("", 0)
        self._roots = roots

    def run(self, program: Callable[[], Any]) -> Any:
        """Run a program once and record it; what it writes is put back."""
        try:
            with (
                torch.random.fork_rng(devices=[]),
                self._roots.as_before(),
                enable_python_dispatcher(),
                self,
            ):
                return program()
        finally:
            self.tensors.put_back()

    def _place(self) -> tuple[str, tuple[str, int]]:
        return self.scope[-1], self.line
