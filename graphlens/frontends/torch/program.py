"""Reading an exported program (torch.export's graph of aten calls) as a Graph."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import fx
from torch._subclasses.fake_tensor import FakeTensor
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind, TensorArgument
from torch.fx import GraphModule, Node
from torch.utils import _pytree as pytree

from graphlens.errors import CaptureError
from graphlens.frontends.torch.below import WRAPPERS, wrapped
from graphlens.frontends.torch.call import PYTHON, is_symbolic, plain
from graphlens.frontends.torch.higher import higher
from graphlens.frontends.torch.inputs import flattened, no_tensor
from graphlens.frontends.torch.record import Recorder
from graphlens.frontends.torch.scopes import Scopes, source_of
from graphlens.frontends.torch.signature import signature
from graphlens.frontends.torch.translate import Translator
from graphlens.frontends.torch.views import Ref
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value
from graphlens.tensor import TensorType

_AGAIN = re.compile(r"@\d+")
_ASKING = ("aten.item", "aten._local_scalar_dense")
"""Ops that give the program a tensor's value, as a number."""


def read(program: ExportedProgram, dims: Sequence[Mapping[int, str]] = (), name: str = "") -> Graph:
    """The Graph of an exported program.

    Args:
        program: What to read.
        dims: The names of the symbolic dimensions of each tensor input, by axis.
        name: The graph's name, by default the class of the module that was exported.
    """
    return _Reader(program, dims, name or _program_name(program)).read()


class _Reader:
    """Reads one exported program node by node."""

    def __init__(
        self, program: ExportedProgram, dims: Sequence[Mapping[int, str]], name: str
    ) -> None:
        self._program = program
        self._dims = dims
        self.translator = Translator(name, "torch.export", Scopes(_classes(program)))
        self._recorder: Recorder | None = None

    def read(self) -> Graph:
        env: dict[Node, Any] = {}
        self._placeholders(env)
        results = self.run(self._program.graph_module, env)
        return self._output(results)

    def _placeholders(self, env: dict[Node, Any]) -> None:
        nodes = [node for node in self._program.graph.nodes if node.op == "placeholder"]
        names: dict[Any, str] = {}
        for name, tensor in self._program.state_dict.items():
            names.setdefault(_identity(tensor), name)
        known: dict[Any, _Lazy] = {}
        dims = iter(self._dims)
        for node, spec in zip(nodes, self._program.graph_signature.input_specs, strict=True):
            if spec.kind == InputKind.USER_INPUT:
                wanted = next(dims, {})
                if isinstance(spec.arg, TensorArgument):
                    env[node] = self._input(node, wanted)
            elif isinstance(spec.arg, TensorArgument):
                tensor = self._tensor(spec.target or "")
                key, lifted = _identity(tensor), spec.kind == InputKind.CONSTANT_TENSOR
                name = "" if lifted else names.get(key, spec.target or "")
                env[node] = known.setdefault(key, _Lazy(self.translator, name, tensor))

    def _input(self, node: Node, wanted: Mapping[int, str]) -> Ref:
        held = node.meta["val"]
        ref = self.translator.input(node.name, TensorType("undefined"))
        value = ref.read()
        symbols = self.translator.symbols
        symbols.declare(value, held, wanted)
        results = (symbols.type_of(held),)
        self.translator.graph.update_node(value.node, results=results)
        return ref

    def _tensor(self, target: str) -> torch.Tensor:
        program = self._program
        found = program.state_dict.get(target)
        return found if found is not None else program.constants[target]

    def run(self, module: GraphModule, env: dict[Node, Any]) -> Any:
        """What a graph of fx gives, its inputs being in ``env``."""
        for node in module.graph.nodes:
            if node.op == "call_function":
                env[node] = self._call(module, node, env)
            elif node.op == "get_attr":
                found = getattr(module, str(node.target))
                held = isinstance(found, torch.Tensor)
                env[node] = self.translator.const(found) if held else found
            elif node.op == "output":
                return self._resolved(node.args[0], env)
        return None

    def _resolved(self, one: Any, env: dict[Node, Any]) -> Any:
        """An argument with its nodes replaced by what they hold."""
        if isinstance(one, Node):
            held = env.get(one, one.meta.get("val"))
            return held.ref() if isinstance(held, _Lazy) else held
        if isinstance(one, list | tuple):
            return [self._resolved(part, env) for part in one]
        return one

    def _call(self, module: GraphModule, node: Node, env: dict[Node, Any]) -> Any:
        args = [self._resolved(one, env) for one in node.args]
        kwargs = {key: self._resolved(one, env) for key, one in node.kwargs.items()}
        held = node.meta.get("val")
        target: Any = node.target
        if getattr(target, "__name__", "") == "getitem":
            return args[0][args[1]]
        if isinstance(held, torch.SymInt | torch.SymFloat | torch.SymBool | int | float | bool):
            if args and isinstance(args[0], Ref) and str(target).startswith(_ASKING):
                self.translator.symbols.tell(held, args[0].read())
            return held
        if str(target) in WRAPPERS:
            body, inner = wrapped(args)
            names = [one for one in body.graph.nodes if one.op == "placeholder"]
            return self.run(body, dict(zip(names, inner, strict=True)))
        return self._translated(target, node, args, kwargs, held)

    def _translated(self, target: Any, node: Node, args: Any, kwargs: Any, held: Any) -> Any:
        flat = [] if held is None else list(held) if isinstance(held, list | tuple) else [held]
        self.translator.place(_scope(node), source_of(node.meta.get("stack_trace")))
        types = [self.translator.symbols.type_of(one) for one in flat]
        if not hasattr(target, "_schema"):
            if held is None:
                return None
            return self._declared(higher(self, node, args, types), flat)
        if held is None and not signature(target).written:
            return None
        refs = self.translator.call(
            target,
            args,
            kwargs,
            types,
            lambda: _shares(node, held),
            lambda: self._expanded(target, node, args, kwargs),
        )
        self._declared(refs, flat)
        return refs if isinstance(held, list | tuple) or not refs else refs[0]

    def _declared(self, refs: list[Ref], fakes: list[Any]) -> list[Ref]:
        """Results, their sizes known to be those of what was made here."""
        symbols = self.translator.symbols
        for ref, fake in zip(refs, fakes, strict=False):
            if isinstance(fake, torch.Tensor) and not symbols.type_of(fake).is_static:
                symbols.declare(ref.read(), fake)
        return refs

    def _expanded(self, target: Any, node: Node, args: Any, kwargs: Any) -> list[Value] | None:
        """The values of an op without a row, from the ops that torch makes it of."""
        if self._recorder is None:
            fakes = [node.meta.get("val") for node in self._program.graph.nodes]
            mode = next((one.fake_mode for one in fakes if isinstance(one, FakeTensor)), None)
            self._recorder = Recorder(self.translator, {}, mode)
        self._recorder.translator = self.translator
        shown = [fx.map_arg(one, lambda held: held.meta.get("val")) for one in node.args]
        named = {
            key: fx.map_arg(one, lambda held: held.meta.get("val"))
            for key, one in node.kwargs.items()
        }
        return self._recorder.replay(target, (args, kwargs), (shown, named))

    def _output(self, results: list[Any]) -> Graph:
        specs = self._program.graph_signature.output_specs
        kept = [
            one
            for one, spec in zip(results, specs, strict=True)
            if spec.kind in (OutputKind.USER_OUTPUT, OutputKind.LOSS_OUTPUT)
        ]
        names = _output_names(self._program, len(kept))
        gradients = {
            f"grad.{spec.target}": one
            for one, spec in zip(results, specs, strict=True)
            if spec.kind in (OutputKind.GRADIENT_TO_PARAMETER, OutputKind.GRADIENT_TO_USER_INPUT)
        }
        if gradients:  # a joint graph of both passes
            names = [*(name or str(index) for index, name in enumerate(names)), *gradients]
            kept += gradients.values()
        pairs = [(one, name) for one, name in zip(kept, names, strict=True) if one is not None]
        for index, (one, name) in enumerate(pairs):
            if not isinstance(one, Ref | bool | int | float) and type(one) not in PYTHON:
                raise no_tensor(name or str(index), one)
        if not any(isinstance(one, Ref) for one, _ in pairs):
            raise CaptureError("it returned no tensor: there is no graph to show")
        refs = [self._result(one) for one, _ in pairs]
        return self.translator.output(refs, [name for _, name in pairs])

    def _result(self, one: Any) -> Ref:
        """What is returned: a tensor as it is, a number as a scalar."""
        if isinstance(one, Ref):
            return one
        make = self.translator
        return make.number(one) if is_symbolic(one) else make.const(torch.tensor(plain(one)))


class _Lazy:
    """A parameter or lifted constant, which becomes a node where it is first read."""

    def __init__(self, translator: Translator, name: str, tensor: torch.Tensor) -> None:
        self.translator, self._name, self._tensor = translator, name, tensor
        self._held: Ref | None = None

    def ref(self) -> Ref:
        """Its Ref, the same at every reading."""
        if self._held is None:
            make = self.translator
            self._held = (
                make.param(self._name, self._tensor) if self._name else make.const(self._tensor)
            )
        return self._held


def _identity(tensor: torch.Tensor) -> Any:
    """What tied parameters have in common, also after they were loaded one by one."""
    if tensor.is_meta or tensor.layout != torch.strided or not tensor.numel():
        return id(tensor)
    return tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride()


def _shares(node: Node, held: Any) -> bool:
    """Whether the result lies in its first operand's memory, by the program's own fake tensors."""
    first = node.args[0]
    other = first.meta.get("val") if isinstance(first, Node) else None
    if not isinstance(other, torch.Tensor) or not isinstance(held, torch.Tensor):
        return False
    return held.untyped_storage()._cdata == other.untyped_storage()._cdata


def _scope(node: Node) -> str:
    stack = node.meta.get("nn_module_stack")
    if not stack:
        return ""
    path = _AGAIN.sub("", list(stack.values())[-1][0])
    return "" if path.startswith("_empty_nn_module") else path


def _classes(program: ExportedProgram) -> dict[str, str]:
    found: dict[str, str] = {}
    for module in program.graph_module.modules():
        for node in module.graph.nodes if isinstance(module, GraphModule) else ():
            for path, kind in (node.meta.get("nn_module_stack") or {}).values():
                found.setdefault(_AGAIN.sub("", path), _class_name(kind))
    return found


def _output_names(program: ExportedProgram, count: int) -> list[str]:
    spec = program.call_spec.out_spec
    plain = [""] * count
    if spec is None or spec.num_leaves != count:
        return plain
    structure = pytree.tree_unflatten([_Leaf() for _ in range(count)], spec)
    paths = [path for path, _ in flattened(structure, "")]
    if len(paths) != count or all(part.isdigit() for path in paths for part in path.split(".")):
        return plain
    return paths


class _Leaf:
    """Stands for a tensor in the structure of the outputs."""


def _program_name(program: ExportedProgram) -> str:
    stacks = (node.meta.get("nn_module_stack") for node in program.graph.nodes)
    for stack in stacks:
        for path, kind in (stack or {}).values():
            if path == "":
                return _class_name(kind)
    return "program"


def _class_name(kind: Any) -> str:
    name = kind.__name__ if isinstance(kind, type) else str(kind)
    return name.rpartition(".")[2]
