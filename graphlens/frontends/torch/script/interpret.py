"""Running a TorchScript graph node by node, in Python, so that a recorder sees its aten calls."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import torch

from graphlens.errors import CaptureError
from graphlens.frontends.torch.regions import ScriptRaiseError, ScriptRecorder, is_unknown
from graphlens.frontends.torch.script.call import CONTEXTS, is_of_kind, plain
from graphlens.frontends.torch.script.node import bind, called, line_of, operands, results
from graphlens.frontends.torch.script.ops import PRIMITIVES, WEAK
from graphlens.frontends.torch.values import UNSET


class Script:
    """Runs the methods of a script module on fake tensors.

    Attributes:
        recorder: What sees the aten calls; told of the scope and line of each.
    """

    def __init__(self, recorder: ScriptRecorder, strip: str = "") -> None:
        """A runner; ``strip`` is a prefix to leave out of paths."""
        self.recorder = recorder
        self._strip = strip
        self._written: dict[tuple[str, str], Any] = {}

    def call(self, module: Any, method: str, args: Sequence[Any], path: str) -> Any:
        """Run a method of a module (its C++ object) that lies at ``path``."""
        graph = _graph_of(module._get_method(method))
        return self.run(graph, [_Module(module, path), *args], path)

    def run(self, graph: Any, args: Sequence[Any], path: str) -> Any:
        """Run a graph on its inputs."""
        self.recorder.scope.append(path.removeprefix(self._strip).removeprefix("."))
        try:
            made = self._graph(graph, args)
        finally:
            self.recorder.scope.pop()
        return made[0] if len(made) == 1 else tuple(made)

    def _graph(self, graph: Any, args: Sequence[Any]) -> list[Any]:
        block = graph.block()
        return self._block(block, dict(zip(results(block.paramNode()), args, strict=True)))

    def _block(self, block: Any, env: dict[str, Any]) -> list[Any]:
        for node in block.nodes():
            bind(node, self._node(node, env), env)
        return [env[name] for name in operands(block.returnNode())]

    def _node(self, node: Any, env: dict[str, Any]) -> Any:
        """The result of one node, a sequence if it has several."""
        kind = node.kind()
        if kind == "prim::Constant":  # half of all nodes
            return node.output().toIValue() if node.hasAttribute("value") else None
        domain, _, op = kind.partition("::")
        args = [env[name] for name in operands(node)]
        if domain == "prim":
            return self._primitive(op, node, args, env)
        if domain == "aten":
            return self._aten(op, node, args)
        return called(node.schema()).call(args, self.recorder.handed)

    def _primitive(self, op: str, node: Any, args: list[Any], env: dict[str, Any]) -> Any:
        special = _SPECIAL.get(op)
        if special is not None:
            return special(self, node, args, env)
        if op in ("ListUnpack", "TupleUnpack"):
            return tuple(args[0]) if node.outputsSize() != 1 else args[0][0]
        if op == "RaiseException":
            raise ScriptRaiseError(f"the script raises {args[0]!r} on these inputs")
        if op == "Uninitialized":
            return UNSET
        if op in PRIMITIVES:
            return PRIMITIVES[op](*args)
        raise CaptureError(
            f"TorchScript's prim::{op} cannot be captured: {str(node).strip()[:200]}"
        )

    def _attribute(self, node: Any, args: list[Any], env: dict[str, Any]) -> Any:
        name, module = node.s("name"), args[0]
        if isinstance(module, _Object):
            return module.state[name]
        if not isinstance(module, _Module):
            return getattr(module, name)
        if (module.path, name) in self._written:
            return self._written[module.path, name]
        held = module.held.getattr(name)
        if isinstance(held, torch._C.ScriptModule):
            return _Module(held, f"{module.path}.{name}" if module.path else name)
        return held

    def _set(self, node: Any, args: list[Any], env: dict[str, Any]) -> None:
        owner, value = args
        if isinstance(owner, _Module):
            self._written[owner.path, node.s("name")] = value
        else:
            owner.state[node.s("name")] = value

    def _object(self, node: Any, args: list[Any], env: dict[str, Any]) -> Any:
        return _Object(node.output().type().qualified_name())

    def _fork(self, node: Any, args: list[Any], env: dict[str, Any]) -> Any:
        """What is to be computed beside this: in a graph everything may be."""
        made = self._graph(node.g("Subgraph"), args)
        return made[0] if len(made) == 1 else tuple(made)

    def _method(self, node: Any, args: list[Any], env: dict[str, Any]) -> Any:
        module = args[0]
        if isinstance(module, _Object):
            return None  # of a context: others are inlined
        if not isinstance(module, _Module):
            return getattr(module, node.s("name"))(*args[1:])
        return self.call(module.held, node.s("name"), args[1:], module.path)

    def _python(self, node: Any, args: list[Any], env: dict[str, Any]) -> Any:
        """A function of autograd's that a trace met: what it computes forward."""
        tensors, others = iter(args), iter(node.scalar_args())
        given = [next(tensors) if kind == "d" else next(others) for kind in node.cconv()]
        return node.pyobj()(*given)

    def _if(self, node: Any, args: list[Any], env: dict[str, Any]) -> Any:
        then, otherwise = node.blocks()
        if is_unknown(args[0]):
            made = self.recorder.branch(
                args[0],
                lambda: self._block(then, dict(env)),
                lambda: self._block(otherwise, dict(env)),
            )
        else:
            made = self._block(then if bool(args[0]) else otherwise, env)
        return made[0] if len(made) == 1 else made

    def _loop(self, node: Any, args: list[Any], env: dict[str, Any]) -> Any:
        (body,) = node.blocks()
        trips, going, *carried = args
        names = results(body.paramNode())
        if is_unknown(trips):
            carried = self.recorder.loop(trips, going, self._round(body, names, env), carried)
            return carried[0] if len(carried) == 1 else carried
        for trip in range(trips):
            if is_unknown(going):
                carried = self.recorder.loop(None, going, self._round(body, names, env), carried)
                break
            if not bool(going):
                break
            env.update(zip(names, [trip, *carried], strict=True))
            going, *carried = self._block(body, env)
        return carried[0] if len(carried) == 1 else carried

    def _round(self, body: Any, names: Sequence[str], env: dict[str, Any]) -> Any:
        """One round of a loop that depends on data."""

        def once(trip: Any, carried: Sequence[Any]) -> tuple[Any, list[Any]]:
            inner = {**env, **dict(zip(names, [trip, *carried], strict=True))}
            going, *after = self._block(body, inner)
            return going, after

        return once

    def _aten(self, op: str, node: Any, args: list[Any]) -> Any:
        first = int(op.endswith("_"))  # what is written to is no number
        held = [*args[:first], *map(_number, args[first:])] if op in WEAK else args
        if op in _ASKED and is_unknown(held[0]):
            asked = held[0].to(_ASKED[op]).reshape(())
            return asked.logical_not() if op == "__not__" else asked
        found = plain(op, held, {})
        if found is not NotImplemented:
            return found
        self.recorder.line = line_of(node)
        return called(node.schema()).call(held, self.recorder.handed)


class _Module:
    """A script module's C++ object and its path."""

    __slots__ = ("held", "path")

    def __init__(self, held: Any, path: str) -> None:
        self.held, self.path = held, path


class _Object:
    """An object that the program makes, of a class of its own."""

    __slots__ = ("kind", "state")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.state: dict[str, Any] = {}


def _is_instance(script: Script, node: Any, args: list[Any], env: dict[str, Any]) -> bool:
    return is_of_kind(_KINDS.findall(str(node))[0], args[0])


_KINDS = re.compile(r"prim::isinstance\[types=\[(.*)\]\]\(")
_SPECIAL: dict[str, Callable[[Script, Any, list[Any], dict[str, Any]], Any]] = {
    "GetAttr": Script._attribute,
    "CallMethod": Script._method,
    "If": Script._if,
    "Loop": Script._loop,
    "PythonOp": Script._python,
    "SetAttr": Script._set,
    "CreateObject": Script._object,
    "fork": Script._fork,
    "isinstance": _is_instance,
}
"""Primitives that are more than a function of their operands."""


def _graph_of(method: Any) -> Any:
    """A method's graph, with the free functions that it calls inlined.

    The methods of objects that it makes cannot be asked for: all calls are inlined then.
    """
    graph = method.graph
    made = [
        one.output().type().qualified_name() for one in graph.findAllNodes("prim::CreateObject")
    ]
    if not all(kind.startswith(CONTEXTS) for kind in made):
        graph = graph.copy()
        torch._C._jit_pass_inline(graph)
        return graph
    if graph.findAllNodes("prim::CallFunction"):
        graph = graph.copy()
        torch._C._jit_pass_inline(graph)
    return graph


def _number(one: Any) -> Any:
    """A constant scalar of a trace as the Python number that it was."""
    if not isinstance(one, torch.Tensor) or type(one) is not torch.Tensor or one.dim():
        return one
    weak = one.dtype in (torch.int64, torch.float64, torch.bool) and not one.requires_grad
    return one.item() if weak else one


_ASKED = {
    "Bool": torch.bool, "Int": torch.int64, "Float": torch.float64, "IntImplicit": torch.int64,
    "FloatImplicit": torch.float64, "__not__": torch.bool,
}  # fmt: skip
"""Ops that ask for a tensor's value: where it depends on data, the answer is a tensor."""
