"""PyTorch by torch.fx: a GraphModule, or a module traced symbolically, run on fake tensors."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

import torch
import torch.fx

from graphlens.errors import CaptureError
from graphlens.frontends.torch.below import take_higher_order, unrolled
from graphlens.frontends.torch.dynamic import Dims, Symbolic, dims_of
from graphlens.frontends.torch.eager import recorded
from graphlens.frontends.torch.errors import cannot_capture, is_a_fault
from graphlens.frontends.torch.inputs import Arguments, arguments, device_of, flattened
from graphlens.frontends.torch.layers import of_function, of_layer
from graphlens.frontends.torch.record import Recorder
from graphlens.frontends.torch.regions import ScriptRecorder
from graphlens.frontends.torch.scopes import Scopes, followed, line_in, user_line
from graphlens.frontends.torch.state import as_before, uncompiled, weights_of
from graphlens.frontends.torch.translate import Translator
from graphlens.ir.graph import Graph
from graphlens.tensor import TensorType


def capture(
    model: Any,
    *inputs: Any,
    kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> Graph:
    """Capture a module or GraphModule as a Graph.

    The module is traced symbolically, and each fx node run on fake tensors, where its aten calls
    are recorded before autograd or decompositions see them. A module that torch.fx cannot trace
    (data-dependent Python) is run on the fake tensors as it is; ``graph.graph['capture']`` says
    which of the two it was. The model is captured in the mode that it is in (train or eval).

    Args:
        model: A ``torch.nn.Module``.
        inputs: Tensors, numpy arrays or TensorTypes.
        kwargs: More of them by name.
        dynamic_shapes: Which axes are symbolic, as ``torch.export.export`` takes it, or with names
            in place of its ``Dim``s. The types of inputs given as such say it themselves.

    Raises:
        CaptureError: If the model cannot be run on these inputs.
    """
    if not isinstance(model, torch.nn.Module):
        raise CaptureError(f"torch.fx captures a torch.nn.Module, not a {type(model).__name__}")
    given = arguments(model.forward, inputs, kwargs, device=device_of(model))
    dims = dims_of(given, dynamic_shapes)
    try:
        with as_before(model):
            return _captured(model, given, dims)
    except CaptureError as error:
        leaves = flattened((inputs, kwargs or {}), "")
        if device_of(model) is not None or any(isinstance(one, TensorType) for _, one in leaves):
            raise  # of a type there are no values to go by
        if any(dims) or is_a_fault(error):
            raise  # nor are there of other sizes
        graph = _on_its_inputs(model, given)
        if graph is None:
            raise
        return graph


def _on_its_inputs(model: torch.nn.Module, given: Arguments) -> Graph | None:
    """A model whose Python asks for values, which fake tensors have not; None if it still fails."""
    try:
        return recorded(model, given, "torch.fx (run on its inputs)")
    except CaptureError:
        return None


def _captured(model: torch.nn.Module, given: Arguments, dims: Sequence[Dims]) -> Graph:
    traced = _traced(model, given)
    means = "torch.fx" if traced is not None else "torch.fx (run on fake tensors)"
    translator = Translator(type(model).__name__, means, Scopes.of(model))
    symbolic = Symbolic() if any(dims) else None
    recorder = ScriptRecorder(translator, weights_of(model), symbolic)
    take_higher_order(ScriptRecorder, _higher)
    try:
        result = _run(recorder, model, traced, *recorder.inputs(given, dims))
        graph = recorder.output(result)
    except (Exception, SystemExit) as error:
        raise cannot_capture("torch.fx", model, error, recorder.line) from error
    if symbolic is not None:
        symbolic.check()
    return graph


class _Tracer(torch.fx.Tracer):
    """torch.fx's tracer, which also notes the user's line of each node.

    Its own way of noting it keeps the whole stack, and loads torch's compiler to do so.
    """

    def create_node(self, *args: Any, **kwargs: Any) -> torch.fx.Node:
        """A node of the graph, with the line that made it."""
        node = super().create_node(*args, **kwargs)
        node.meta[_LINE] = user_line()
        return node


_LITERAL = "_tensor_constant"
"""How the attributes begin that the tracer adds to a model for tensors in its code."""
_LINE = "graphlens_line"
"""The key of a node's meta that holds its file and line."""


def _traced(model: torch.nn.Module, given: Arguments) -> torch.fx.Graph | None:
    """The module as an fx graph, or None if torch.fx cannot follow its Python.

    torch.fx takes every argument for a tensor that is there, so that a call in which one is not
    is run as it is.
    """
    if isinstance(model, torch.fx.GraphModule):
        return model.graph
    formals = inspect.signature(model.forward).parameters
    if len(formals) != len(given.tensors) or given.kwargs:
        return None
    try:
        with as_before(model):
            graph = _Tracer().trace(model)
            literals = {key: one for key, one in vars(model).items() if key.startswith(_LITERAL)}
        vars(model).update(literals)
        return graph
    except (Exception, SystemExit):
        return None  # whatever the user's code raises on proxies: it is run as it is instead


def _run(
    recorder: Recorder,
    model: torch.nn.Module,
    traced: torch.fx.Graph | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    paths = {id(held): path for path, held in model.named_modules()}
    with uncompiled():
        if traced is None:
            with followed(paths, recorder.scope):
                return recorder.run(model, args, kwargs)
        run = _Interpreter(model, traced, recorder, paths).run
        return recorder.run(run, (args, kwargs), {})


def _higher(recorder: ScriptRecorder, op: Any, *args: Any, **kwargs: Any) -> Any:
    """A choice or loop that depends on data is an If or Loop, everything else is done in steps."""
    if str(op) == "cond":
        condition, then, otherwise, operands = args
        return recorder.branch(condition, lambda: then(*operands), lambda: otherwise(*operands))
    if str(op) != "while_loop":
        return unrolled(op, *args, **kwargs)
    test, step, carried, more = args

    def again(_: Any, held: Any) -> Any:
        made = tuple(step(*held, *more))
        return test(*made, *more), made

    return recorder.loop(None, test(*carried, *more), again, tuple(carried))


class _Interpreter:
    """Runs an fx graph node by node, saying in which module each node is.

    torch.fx has one of its own, which takes longer for a node than the node does.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        graph: torch.fx.Graph,
        recorder: Recorder,
        paths: Mapping[int, str],
    ) -> None:
        self._module = module
        self._graph = graph
        self._recorder = recorder
        self._paths = paths
        self._modules = dict(module.named_modules(remove_duplicate=False))

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the graph returns."""
        recorder, scope = self._recorder, self._recorder.scope
        given = iter(args)
        made: dict[torch.fx.Node, Any] = {}
        does: dict[str, Callable[[Any, Any, Any], Any]] = {
            "get_attr": self._attribute,
            "call_module": self._call_module,
            "call_method": _call_method,
            "call_function": self._call_function,
        }
        for node in self._graph.nodes:
            if node.op == "placeholder":
                made[node] = _given(node, given, kwargs)
                continue
            held = torch.fx.map_arg(node.args, made.__getitem__)
            if node.op == "output":
                return held[0]
            named = torch.fx.map_arg(node.kwargs, made.__getitem__)
            stack = node.meta.get("nn_module_stack")
            recorder.line = node.meta.get(_LINE) or line_in(node.stack_trace)
            scope.append(next(reversed(stack.values()))[0] if stack else "")
            try:
                made[node] = does[node.op](node.target, held, named)
            finally:
                scope.pop()
        return None

    def _attribute(self, target: str, *_: Any) -> Any:
        return attrgetter(target)(self._module)

    def _call_module(self, target: str, args: Any, kwargs: Any) -> Any:
        module = self._modules[target]
        if module._modules:
            with followed(self._paths, self._recorder.scope):
                return module(*args, **kwargs)
        self._recorder.scope[-1] = self._paths[id(module)]
        said = of_layer(module, args, kwargs)
        return module(*args, **kwargs) if said is None else self._recorder.handed(*said)

    def _call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        said = of_function(target, args, kwargs)
        if said is not None:
            return self._recorder.handed(*said)
        if getattr(target, "__module__", None) in _PLAIN:
            return target(*args, **kwargs)
        with followed(self._paths, self._recorder.scope):  # it may run modules
            return target(*args, **kwargs)


_PLAIN = frozenset(
    ["_operator", "builtins", "math", "torch", "torch._C._nn", "torch.nn.functional"]
)
"""Modules whose functions run no modules."""


def _call_method(target: str, args: Any, kwargs: Any) -> Any:
    return getattr(args[0], target)(*args[1:], **kwargs)


def _given(node: torch.fx.Node, given: Iterator[Any], kwargs: Mapping[str, Any]) -> Any:
    """The argument of a formal, or its default."""
    name = str(node.target)
    if name.startswith("*"):
        return dict(kwargs) if name.startswith("**") else tuple(given)
    for one in given:
        return one
    if name in kwargs:
        return kwargs[name]
    if node.args:
        return node.args[0]
    raise CaptureError(f"input {name!r} is missing")
