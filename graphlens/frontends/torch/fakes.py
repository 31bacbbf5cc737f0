"""Fake tensors made without torch's own constructor, which costs more than an op does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode


class Fakes:
    """Makes fake tensors of one mode.

    Attributes:
        mode: That mode.
    """

    def __init__(self, mode: FakeTensorMode) -> None:
        """For tensors of ``mode``."""
        self.mode = mode
        self._fields: dict[torch.device, dict[str, Any]] = {}

    def empty(
        self,
        shape: Sequence[int],
        strides: Sequence[int],
        dtype: torch.dtype,
        device: torch.device,
    ) -> FakeTensor:
        """A tensor with that form in memory, its strides counted in elements."""
        with torch._C._DisableTorchDispatch():
            meta = torch.empty_strided(shape, strides, dtype=dtype, device="meta")
            return self.wrapped(meta, device)

    def wrapped(self, meta: torch.Tensor, device: torch.device) -> FakeTensor:
        """A meta tensor as a fake one on ``device``; not to be called under a tracing mode.

        What torch's constructor writes on a tensor is the same for all of a device: it is asked
        once, and copied.
        """
        fields = self._fields.get(device)
        if fields is None:
            first = FakeTensor(self.mode, meta, device)
            self._fields[device] = dict(vars(first))
            return first
        made = torch.Tensor._make_subclass(
            FakeTensor, meta, False, dispatch_device=True, device_for_backend_keys=device
        )
        torch._C._set_throw_on_mutable_data_ptr(made)
        vars(made).update(fields)
        return made
