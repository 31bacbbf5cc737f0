"""Pickled torch modules: reading one runs its code, so only once the user trusts the file."""

from __future__ import annotations

from pathlib import Path

import torch

from graphlens.errors import FormatError


def pickled(path: Path) -> torch.nn.Module:
    """The module that ``torch.save(model, path)`` wrote.

    Raises:
        FormatError: If it cannot be read, or holds no module.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:  # unpickling runs the file's own code, which may raise anything
        said = next(iter(str(error).splitlines()), "")
        raise FormatError(
            f"{str(path)!r} cannot be read as a pickle of torch: {type(error).__name__}: {said}"
        ) from error
    if isinstance(found, torch.nn.Module):
        return found
    hint = ": a state dict has weights but no computation" if isinstance(found, dict) else ""
    raise FormatError(
        f"{str(path)!r} holds a {type(found).__name__}, expected a torch.nn.Module{hint}"
    )
