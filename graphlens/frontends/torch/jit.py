"""PyTorch by torch.jit: a traced or scripted module, a .pt file, or a module that is traced."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedFakeTensorException,
)

from graphlens.errors import CaptureError, UsageError
from graphlens.frontends.torch.errors import cannot_capture
from graphlens.frontends.torch.inputs import (
    Arguments,
    arguments,
    device_of,
    flattened,
    returned,
)
from graphlens.frontends.torch.regions import ScriptRecorder
from graphlens.frontends.torch.roots import Roots
from graphlens.frontends.torch.scopes import Scopes
from graphlens.frontends.torch.script import file as torch_script_file
from graphlens.frontends.torch.script.interpret import Script
from graphlens.frontends.torch.script.live import LiveScript
from graphlens.frontends.torch.script.properties import forgiven
from graphlens.frontends.torch.shadows import Shadows, sized
from graphlens.frontends.torch.state import as_before, tracing, unwritten, weights_of
from graphlens.frontends.torch.translate import Translator
from graphlens.frontends.torch.types import NAMES
from graphlens.ir.graph import Graph
from graphlens.tensor import TensorType

_ON_DATA = (
    DataDependentOutputException,
    DynamicOutputShapeException,
    NotImplementedError,
    UnsupportedFakeTensorException,
)
"""What torch raises on a fake tensor of which a value is asked for, or of a quantised one."""
_INNER = "model"
"""The name of the model inside the wrapper that is traced."""


def capture(
    model: Any,
    *inputs: Any,
    kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> Graph:
    """Capture a TorchScript module as a Graph, its shapes worked out on fake tensors.

    Args:
        model: A traced or scripted module or function, the path of a ``.pt`` file of one, or a
            ``torch.nn.Module``, which ``torch.jit.trace`` is run on in the mode that it is in.
        inputs: Tensors, numpy arrays or TensorTypes; not needed for a module just traced, which
            knows its inputs' types.
        kwargs: More of them by name.
        dynamic_shapes: Not taken: a trace has the shapes of its inputs.

    Raises:
        CaptureError: If the model cannot be traced or run.
        UsageError: If dynamic shapes are given.
        FormatError: If the file holds no TorchScript.
    """
    if dynamic_shapes:
        raise _fixed()
    if isinstance(model, str | Path):
        return torch_script_file.capture(model, *inputs, kwargs=kwargs)
    if isinstance(model, torch.jit.ScriptModule):
        return _scripted(model, inputs, kwargs)
    if isinstance(model, torch.jit.ScriptFunction):
        return _function(model, inputs, kwargs)
    if not isinstance(model, torch.nn.Module):
        raise CaptureError(f"torch.jit captures a torch.nn.Module, not a {type(model).__name__}")
    given = arguments(model.forward, inputs, kwargs, device=device_of(model))
    if any(given.dims):
        raise _fixed()
    with as_before(model):
        return _traced(model, given)


def _fixed() -> UsageError:
    return UsageError(
        "a torch.jit trace has fixed shapes; use via='torch.fx' or 'torch.export' for symbolic ones"
    )


class _Flat(torch.nn.Module):
    """A model with tensors in and a tuple of tensors out, which every trace can take."""

    def __init__(self, model: torch.nn.Module, given: Arguments) -> None:
        super().__init__()
        self.model = model
        self.train(model.training)
        self._given = given
        self.names: list[str] = []

    def forward(self, *tensors: torch.Tensor) -> Any:
        """The model's outputs, flattened."""
        places = {id(old): new for old, new in zip(self._given.tensors, tensors, strict=True)}
        args, kwargs = self._given.mapped(lambda tensor: places[id(tensor)])
        leaves, self.names = returned(self.model(*args, **kwargs))
        tensors = tuple(
            one if isinstance(one, torch.Tensor) else torch.tensor(one) for one in leaves
        )
        return tensors if len(tensors) != 1 else tensors[0]


def _traced(model: torch.nn.Module, given: Arguments) -> Graph:
    flat = _Flat(model, given)
    *others, last = _TOLD
    traced = None
    for told in others:
        with contextlib.suppress(Exception, SystemExit):  # what is not of that branch comes again
            traced = _trace(flat, given, *told)
            break
    try:
        traced = traced or _trace(flat, given, *last)
    except (Exception, SystemExit) as error:
        raise cannot_capture("torch.jit.trace", model, error) from error
    made = _Made(traced, model, type(model).__name__, "torch.jit.trace", Scopes.of(model), _INNER)
    return made.captured(given, flat.names)


_TOLD = ((True, False), (True, True), (False, True))
"""Whether a model is told that it is exported (see `compiling`), and that it is traced: as it is by
the other ways in, which take another branch than a trace does in some; else as a trace alone."""


def _trace(flat: _Flat, given: Arguments, exported: bool, traced: bool) -> Any:
    """The traced program of a model that is told, or not, that it is exported and traced."""
    example = tuple(tensor.clone() for tensor in given.tensors)
    asked = contextlib.nullcontext() if traced else _untold()
    with warnings.catch_warnings(), tracing(exported), asked, forgiven(flat), unwritten(flat):
        warnings.simplefilter("ignore")  # the tracer's own, on Python that it follows once
        return torch.jit.trace(flat, example, check_trace=False, strict=False)


@contextlib.contextmanager
def _untold() -> Iterator[None]:
    """Not to tell Python that it is traced."""
    told = torch.jit.is_tracing
    torch.jit.is_tracing = bool
    try:
        yield
    finally:
        torch.jit.is_tracing = told


def _scripted(module: torch.jit.ScriptModule, inputs: Any, kwargs: Any) -> Graph:
    if not inputs and not kwargs:
        inputs = _known_inputs(list(module.graph.inputs())[1:])
    given = arguments(module.forward, inputs, kwargs)
    traced = isinstance(module, torch.jit.TopLevelTracedModule)
    name = getattr(module, "original_name", "") or type(module).__name__
    classes = {path: getattr(held, "original_name", "") for path, held in module.named_modules()}
    means = "torch.jit.trace" if traced else "torch.jit.script"
    return _Made(module, module, name, means, Scopes(classes)).captured(given)


@dataclass(frozen=True, slots=True)
class _Made:
    """A program, and what is known of it.

    Attributes:
        script: The program.
        model: The module that it was made of, which has its weights.
        name: The graph's name.
        means: How the program was made.
        scopes: The scopes of its modules.
        strip: A prefix of the program's paths that the model does not have; with one, the program
            takes the tensors of its arguments one by one.
    """

    script: torch.jit.ScriptModule
    model: torch.nn.Module
    name: str
    means: str
    scopes: Scopes
    strip: str = ""

    def captured(self, given: Arguments, names: Sequence[str] = ()) -> Graph:
        """The graph of a call, its outputs by these names or as they are returned."""
        recorder = ScriptRecorder(self._translator(""), weights_of(self.model))
        script = Script(recorder, self.strip)
        try:
            args, kwargs = recorder.inputs(given)
            result = recorder.run(script.call, self._call(args, kwargs), {})
        except _ON_DATA:
            return self._live(given, names)
        except Exception as error:
            raise cannot_capture("torch.jit", self.model, error) from error
        return recorder.output(_named(result, names))

    def _live(self, given: Arguments, names: Sequence[str]) -> Graph:
        """What depends on the values of its inputs, as these inputs have it."""
        roots = Roots.of(self.model, given)

        def record(shadows: Shadows) -> Graph:
            live = LiveScript(self._translator(" (run on its inputs)"), roots, shadows)
            script = Script(live, self.strip)
            args, kwargs = live.inputs(given)
            result = live.run(lambda: script.call(*self._call(args, kwargs)))
            return live.output(_named(result, names))

        try:
            return sized(record)
        except Exception as error:
            raise cannot_capture("torch.jit", self.model, error) from error

    def _translator(self, how: str) -> Translator:
        return Translator(self.name, self.means + how, self.scopes)

    def _call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
        """What `Script.call` takes."""
        leaves = [leaf for one in (*args, *kwargs.values()) for _, leaf in flattened(one, "")]
        tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
        formals = self.script._c._get_method("forward").schema.arguments[1:]
        ordered = tensors if self.strip else _in_order(formals, list(args), dict(kwargs))
        return self.script._c, "forward", ordered, ""


def _named(result: Any, names: Sequence[str]) -> Any:
    """A result whose leaves have names, under them."""
    if not names:
        return result
    leaves = result if isinstance(result, tuple | list) else [result]
    return dict(zip(names, leaves, strict=True))


def _function(function: torch.jit.ScriptFunction, inputs: Any, kwargs: Any) -> Graph:
    if not inputs and not kwargs:
        inputs = _known_inputs(function.graph.inputs())
    given = arguments(function, inputs, kwargs)
    recorder = ScriptRecorder(Translator(function.name, "torch.jit.script", Scopes({"": ""})), {})
    args, named = recorder.inputs(given)
    ordered = _in_order(function.schema.arguments, list(args), named)
    script = Script(recorder)
    try:
        result = recorder.run(script.run, (function.inlined_graph, ordered, ""), {})
    except Exception as error:
        raise cannot_capture("torch.jit", function, error) from error
    return recorder.output(result)


def _known_inputs(values: Iterable[Any]) -> list[TensorType]:
    """The types of a trace's inputs, which its graph remembers until it is saved."""
    found: list[TensorType] = []
    for value in values:
        held = value.type()
        sizes = held.sizes() if isinstance(held, torch._C.TensorType) else None
        if sizes is None or held.dtype() is None:
            raise CaptureError(
                f"the types of the inputs of this TorchScript module are not known ({held}); "
                "give example inputs"
            )
        found.append(TensorType(NAMES[held.dtype()], tuple(sizes)))
    return found


def _in_order(formals: Sequence[Any], args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
    """The arguments of a script in order, with its defaults."""
    for formal in formals[len(args) :]:
        if formal.name in kwargs:
            args.append(kwargs[formal.name])
        elif formal.has_default_value():
            args.append(formal.default_value)
        else:
            raise CaptureError(f"input {formal.name!r} is missing")
    return args
