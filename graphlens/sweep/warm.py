"""Imported by the process from which the models of torch are forked: warm once, for all of them."""

from __future__ import annotations

from graphlens.sweep.torch_side import SIDE

SIDE.warm()
