"""PyTorch by torch.export: an ExportedProgram, a .pt2 file, or a module and inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind, TensorArgument
from torch import fx
from torch._subclasses.fake_tensor import FakeTensor
from torch.fx import GraphModule, Node
from torch.utils import _pytree as pytree

from graphlens.errors import CaptureError, FormatError
from graphlens.frontends.torch_errors import cannot_capture
from graphlens.frontends.torch_inputs import Arguments, arguments, flattened
from graphlens.frontends.torch_record import Recorder, tracing
from graphlens.frontends.torch_scopes import Scopes, source_of
from graphlens.frontends.torch_translate import Translator
from graphlens.frontends.torch_views import Ref
from graphlens.ir.graph import Graph
from graphlens.ir.node import Source, Value
from graphlens.tensor import TensorType

_AGAIN = re.compile(r"@\d+")
_WRAPPERS = ("wrap_with_set_grad_enabled", "wrap_with_autocast", "hints_wrapper")


def capture(
    model: Any,
    *inputs: Any,
    kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> Graph:
    """Capture an exported program as a Graph.

    Args:
        model: An ``ExportedProgram``, the path of a ``.pt2`` file, or a ``torch.nn.Module``,
            which is exported with the given inputs in the mode that it is in (train or eval).
        inputs: Tensors, numpy arrays or TensorTypes; a symbol in a type's shape makes that
            dimension dynamic. Not needed for a program or a file.
        kwargs: More of them by name.
        dynamic_shapes: As ``torch.export.export`` takes it; symbols keep the names of its Dims.

    Raises:
        CaptureError: If torch.export cannot export the model.
        FormatError: If the file is no exported program.
    """
    if isinstance(model, str | Path):
        return _captured(_loaded(Path(model)), {}, Path(model).stem)
    if isinstance(model, ExportedProgram):
        return _captured(model, _dim_names(dynamic_shapes), _program_name(model))
    if not isinstance(model, torch.nn.Module):
        raise CaptureError(f"torch.export captures a torch.nn.Module, not a {type(model).__name__}")
    given = arguments(model.forward, inputs, kwargs)
    dynamic = dynamic_shapes or _from_types(inputs, kwargs or {}, given)
    return _captured(_exported(model, given, dynamic), _dim_names(dynamic), type(model).__name__)


def _exported(model: torch.nn.Module, given: Arguments, dynamic: Any) -> ExportedProgram:
    try:
        with tracing():
            return torch.export.export(
                model, given.args, given.kwargs, dynamic_shapes=dynamic, strict=False
            )
    except Exception as error:
        raise cannot_capture("torch.export", model, error) from error


def _loaded(path: Path) -> ExportedProgram:
    if not path.is_file():
        raise FormatError(f"{str(path)!r}: no such file")
    try:
        return torch.export.load(path)
    except Exception as error:
        raise FormatError(
            f"{str(path)!r} is not an exported program ({type(error).__name__}: {error}); "
            "expected a .pt2 file made by torch.export.save"
        ) from error


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


def _from_types(inputs: Any, kwargs: Mapping[str, Any], given: Arguments) -> Any:
    """Dynamic dimensions that the shapes of TensorTypes name, as torch.export takes them."""
    every = [*inputs, *kwargs.values()]
    if not any(isinstance(one, TensorType) and not one.is_static for one in every):
        return None
    dims: dict[str, Any] = {}

    def spelt(one: Any) -> Any:
        if not isinstance(one, TensorType):
            return pytree.tree_map(lambda _: None, one)
        named = {i: dim for i, dim in enumerate(one.shape or ()) if isinstance(dim, str)}
        return {i: dims.setdefault(n, torch.export.Dim(n)) for i, n in named.items()}

    return (*map(spelt, inputs), *map(spelt, kwargs.values())) if not kwargs else {
        name: spelt(one)
        for name, one in zip([*_names(given, inputs), *kwargs], every, strict=True)
    }  # fmt: skip


def _names(given: Arguments, inputs: Any) -> list[str]:
    return [name.partition(".")[0] for name in given.names[: len(inputs)]]


def _dim_names(dynamic: Any) -> list[dict[int, str]]:
    """The names of the Dims of each tensor input, in order."""
    found: list[dict[int, str]] = []

    def visit(one: Any) -> None:
        if isinstance(one, Mapping) and all(isinstance(key, int) for key in one):
            found.append({axis: getattr(dim, "__name__", "") for axis, dim in one.items()})
        elif isinstance(one, Mapping):
            for part in one.values():
                visit(part)
        elif isinstance(one, list | tuple) and any(_is_dim(part) for part in one):
            found.append({axis: getattr(dim, "__name__", "") for axis, dim in enumerate(one)})
        elif isinstance(one, list | tuple):
            for part in one:
                visit(part)
        else:
            found.append({})

    if dynamic is not None:
        visit(dynamic)
    return found


def _is_dim(one: Any) -> bool:
    return one is not None and not isinstance(one, Mapping | list | tuple)


def _captured(program: ExportedProgram, dims: Any, name: str) -> Graph:
    return _Reader(program, list(dims), name).read()


class _Reader:
    """Reads one exported program node by node."""

    def __init__(self, program: ExportedProgram, dims: list[dict[int, str]], name: str) -> None:
        self._program = program
        self._dims = dims
        self._translator = Translator(name, "torch.export", Scopes(_classes(program)))
        self._symbols = self._translator.symbols
        self._recorder: Recorder | None = None

    def read(self) -> Graph:
        env: dict[Node, Any] = {}
        self._placeholders(env)
        results = self._run(self._program.graph_module, env)
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
                env[node] = known.setdefault(key, _Lazy(self._translator, name, tensor))

    def _input(self, node: Node, wanted: dict[int, str]) -> Ref:
        held = node.meta["val"]
        ref = self._translator.input(node.name, TensorType("undefined"))
        value = ref.read()
        self._symbols.declare(value, held, wanted)
        results = (self._symbols.type_of(held),)
        self._translator.graph.update_node(value.node, results=results)
        return ref

    def _tensor(self, target: str) -> torch.Tensor:
        program = self._program
        found = program.state_dict.get(target)
        return found if found is not None else program.constants[target]

    def _run(self, module: GraphModule, env: dict[Node, Any]) -> Any:
        for node in module.graph.nodes:
            if node.op == "call_function":
                env[node] = self._call(module, node, env)
            elif node.op == "get_attr":
                env[node] = getattr(module, str(node.target))
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
            return held
        if str(target) in _WRAPPERS:
            body = next(one for one in args if isinstance(one, GraphModule))
            inner = args[args.index(body) + 1 :]
            names = [one for one in body.graph.nodes if one.op == "placeholder"]
            return self._run(body, dict(zip(names, inner, strict=True)))
        return self._translated(target, node, args, kwargs, held)

    def _translated(self, target: Any, node: Node, args: Any, kwargs: Any, held: Any) -> Any:
        flat = list(held) if isinstance(held, list | tuple) else [held]
        if held is None or not hasattr(target, "_schema"):
            if held is not None:
                raise CaptureError(f"the higher-order op {target} cannot be captured yet")
            return None
        source = source_of(node.meta.get("stack_trace"))
        self._translator.place(_scope(node), Source("", source.file, source.line))
        types = [self._symbols.type_of(one) for one in flat]
        refs = self._translator.call(
            target,
            args,
            kwargs,
            types,
            lambda: _shares(node, held),
            lambda: self._expanded(target, node, args, kwargs),
        )
        return refs if isinstance(held, list | tuple) else refs[0]

    def _expanded(self, target: Any, node: Node, args: Any, kwargs: Any) -> list[Value] | None:
        """The values of an op without a row, from the ops that torch makes it of."""
        fakes = [node.meta["val"] for node in self._program.graph.nodes if "val" in node.meta]
        mode = next((one.fake_mode for one in fakes if isinstance(one, FakeTensor)), None)
        if self._recorder is None:
            self._recorder = Recorder(self._translator, {}, mode)
        shown = [fx.map_arg(one, lambda held: held.meta.get("val")) for one in node.args]
        named = {key: fx.map_arg(one, lambda held: held.meta.get("val")) for key, one in node.kwargs.items()}
        return self._recorder.replay(target, (args, kwargs), (shown, named))

    def _output(self, results: list[Any]) -> Graph:
        specs = self._program.graph_signature.output_specs
        kept = [
            one
            for one, spec in zip(results, specs, strict=True)
            if spec.kind in (OutputKind.USER_OUTPUT, OutputKind.LOSS_OUTPUT)
        ]
        names = _output_names(self._program, len(kept))
        pairs = [(one, name) for one, name in zip(kept, names, strict=True) if one is not None]
        refs = [
            one if isinstance(one, Ref) else self._translator.const(torch.tensor(one))
            for one, _ in pairs
        ]
        return self._translator.output(refs, [name for _, name in pairs])


class _Lazy:
    """A parameter or lifted constant, which becomes a node where it is first read."""

    def __init__(self, translator: Translator, name: str, tensor: torch.Tensor) -> None:
        self._translator, self._name, self._tensor = translator, name, tensor
        self._held: Ref | None = None

    def ref(self) -> Ref:
        """Its Ref, the same at every reading."""
        if self._held is None:
            make = self._translator
            self._held = (
                make.param(self._name, self._tensor) if self._name else make.const(self._tensor)
            )
        return self._held


def _identity(tensor: torch.Tensor) -> Any:
    """What tied parameters have in common, also after they were loaded one by one."""
    if tensor.is_meta or not tensor.numel():
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
