"""Where a recorder sits in torch's dispatcher, and what lies below the ops that it sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import ProxyTorchDispatchMode
from torch.utils._python_dispatch import TorchDispatchMode


class Above(ProxyTorchDispatchMode):
    """Sees every aten call before autograd and decompositions do, and hands it to ``call``.

    torch's dispatcher hands calls at this level to its own proxy mode only, hence the base class;
    nothing of it is used but its place. Under torch.func's transforms the tensors at this level are
    wrappers: there the calls are seen below the transforms, by `Below`.
    """

    def __init__(self, kind: str) -> None:
        """A mode for tensors of that kind, as torch calls them."""
        super().__init__(None, kind, True)  # type: ignore[arg-type]
        self._below = Below(self.call)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Not to be wrapped against torch's compiler: it takes seconds to load, and is not on."""
        return False

    def __torch_dispatch__(  # type: ignore[override]
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Hand over one aten call, or that which a transform makes of it."""
        if torch._C._functorch.peek_interpreter_stack() is None:
            return self.call(func, args, kwargs or {})
        with torch._C._DisablePythonDispatcher(), self._below:
            return func(*args, **(kwargs or {}))

    def handed(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Take an aten call as torch's dispatcher hands it over, without the way through it.

        The way costs more than most calls do. As there, the mode is off while the call is done.

        Args:
            func: The op's overload.
            args: Its arguments by position, of the types that the schema has.
            kwargs: Those that the schema takes by name only.
        """
        stack = torch._ops.mode_stack_state_for_pre_dispatch()
        if stack.get(0) is not self or stack.count() != 1:
            return func(*args, **kwargs)
        key = torch._C.DispatchKey.PreDispatch
        stack.set(0, None)
        torch._C._dispatch_tls_set_dispatch_key_included(key, False)
        try:
            return self.__torch_dispatch__(func, (), args, kwargs)
        finally:
            stack.set(0, self)
            torch._C._dispatch_tls_set_dispatch_key_included(key, True)

    def __sym_dispatch__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Arithmetic of symbolic sizes is torch's own: it is kept in their expressions."""
        return func(*args, **(kwargs or {}))

    def call(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Do one aten call and record it."""
        raise NotImplementedError


class Below(TorchDispatchMode):
    """Records the calls that torch.func's transforms (vmap, grad) make of those above.

    Above them the tensors are wrappers, which mean nothing in a graph.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        """A mode that hands every call to ``call``."""
        super().__init__()
        self._call = call

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Not to be wrapped against torch's compiler: it takes seconds to load, and is not on."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Record one call."""
        return self._call(func, args, kwargs or {})


def take_higher_order(mode: type[Any], does: Callable[..., Any]) -> None:
    """Let higher-order ops, which ask for a rule for every mode, be done under a recorder.

    Args:
        mode: The recorder's type.
        does: Of the recorder, the op and its arguments.
    """
    for op in list(torch._ops._higher_order_ops.values()):
        if mode not in op.python_key_table:
            op.py_impl(mode)(_handler(op, does))


def _handler(op: Any, does: Callable[..., Any]) -> Callable[..., Any]:
    def handle(recorder: Any, *args: Any, **kwargs: Any) -> Any:
        with recorder:
            return does(recorder, op, *args, **kwargs)

    return handle


WRAPPERS = (
    "wrap_with_set_grad_enabled",
    "wrap_with_autocast",
    "hints_wrapper",
    "tag_activation_checkpoint",
    "invoke_subgraph",
)
"""Higher-order ops that compute what the function does that they are given."""


def wrapped(args: Sequence[Any]) -> tuple[GraphModule, Sequence[Any]]:
    """The function that a wrapper is given, and what it is called with.

    Other arguments stand before it (the mode that it runs in) and between them (its name).
    """
    body = next(one for one in args if isinstance(one, GraphModule))
    count = sum(node.op == "placeholder" for node in body.graph.nodes)
    return body, args[len(args) - count :]


def unrolled(op: Any, *args: Any, **kwargs: Any) -> Any:
    """Do a higher-order op step by step, as torch does without a compiler."""
    if str(op) == "scan":
        return _scanned(*args)
    composite = torch._C.DispatchKey.CompositeExplicitAutograd
    if str(op) in WRAPPERS and composite not in op.py_kernels:  # it sets no mode
        body, inner = wrapped(args)
        return body(*inner)
    return op.py_kernels[composite](*args, **kwargs)


def _scanned(step: Any, start: Any, parts: Any, more: Any) -> list[Any]:
    """A scan in steps; torch's own writes into memory that a graph has not."""
    carried, made = list(start), []
    for index in range(parts[0].shape[0]):
        results = list(step(*carried, *(one[index] for one in parts), *more))
        carried = results[: len(carried)]
        made.append(results[len(carried) :])
    return [*carried, *(torch.stack(column) for column in zip(*made, strict=True))]
