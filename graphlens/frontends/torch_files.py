"""PyTorch's files that run code when they are read: only called once the user trusts the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from graphlens.errors import FormatError


def scripted(path: Path) -> Any:
    """The ScriptModule in a TorchScript archive.

    Raises:
        FormatError: If it cannot be read.
    """
    try:
        return torch.jit.load(path, map_location="cpu")
    except (RuntimeError, ValueError, OSError) as error:
        raise _unreadable(path, "a TorchScript archive", error) from error


def pickled(path: Path) -> torch.nn.Module:
    """The module that ``torch.save(model, path)`` wrote.

    Raises:
        FormatError: If it cannot be read, or holds no module.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:  # unpickling runs the file's own code, which may raise anything
        raise _unreadable(path, "a pickle of torch", error) from error
    if isinstance(found, torch.nn.Module):
        return found
    hint = ": a state dict has weights but no computation" if isinstance(found, dict) else ""
    raise FormatError(
        f"{str(path)!r} holds a {type(found).__name__}, expected a torch.nn.Module{hint}"
    )


def _unreadable(path: Path, expected: str, error: Exception) -> FormatError:
    said = next(iter(str(error).splitlines()), "")
    return FormatError(
        f"{str(path)!r} cannot be read as {expected}: {type(error).__name__}: {said}"
    )
