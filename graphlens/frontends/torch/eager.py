"""PyTorch as it runs: one run of any Python code on real tensors, recorded op by op."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch._dispatch.python import enable_python_dispatcher

from graphlens.errors import CaptureError, UsageError
from graphlens.frontends.torch.below import take_higher_order
from graphlens.frontends.torch.errors import cannot_capture
from graphlens.frontends.torch.inputs import Arguments, arguments, device_of, returned
from graphlens.frontends.torch.live import Live, taken
from graphlens.frontends.torch.roots import Roots
from graphlens.frontends.torch.scopes import Scopes
from graphlens.frontends.torch.shadows import Shadows, sized
from graphlens.frontends.torch.state import compiling, uncompiled, unwritten
from graphlens.frontends.torch.translate import Translator
from graphlens.ir.graph import Graph


def capture(
    model: Any,
    *inputs: Any,
    kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> Graph:
    """Run a callable once and capture what it did as a Graph.

    The run is a real one, on the values of the inputs, so that Python may ask for them: branches
    and loops on data, ``item()``, masks, detection models, a whole training step with its backward
    pass and optimiser. The graph holds what was done in this run: the branches taken, and shapes
    that Python asked for as it saw them. What the run wrote into weights, buffers and inputs is
    undone, so that a step is recorded, not made; so is its use of torch's random numbers.

    Args:
        model: A module, or any other callable; modules that a function refers to give the scopes
            and the names of the weights.
        inputs: Tensors, numpy arrays, TensorTypes (seeded values are made up for them), or
            anything else that the callable takes.
        kwargs: More of them by name.
        dynamic_shapes: Not taken: a run has the shapes of its inputs.

    Raises:
        CaptureError: If the callable raises, or returns no tensor.
        UsageError: If dynamic shapes are given.
    """
    return recorded(model, prepared(model, inputs, kwargs, dynamic_shapes), "torch.eager")


def recorded(model: Callable[..., Any], given: Arguments, means: str) -> Graph:
    """What one run of a callable does, as a Graph.

    Args:
        model: The callable.
        given: Its arguments.
        means: What the graph says that it was captured by.

    Raises:
        CaptureError: If the callable raises, or returns no tensor.
    """
    live, result = run(model, given, means)
    return live.output(result)


def prepared(model: Any, inputs: Any, kwargs: Any, dynamic_shapes: Any) -> Arguments:
    """The arguments of one run.

    Raises:
        CaptureError: If the model cannot be called.
        UsageError: If some shape is to be symbolic.
    """
    if not callable(model):
        raise CaptureError(
            f"a {type(model).__name__} cannot be called, and only a call is recorded"
        )
    forward = model.forward if isinstance(model, torch.nn.Module) else model
    given = arguments(forward, inputs, kwargs, anything=True, device=device_of(model))
    if dynamic_shapes or any(given.dims):
        raise UsageError(
            "one run is recorded, whose shapes are numbers; use via='torch.fx' or 'torch.export' "
            "for symbolic ones"
        )
    return given


def run(model: Callable[..., Any], given: Arguments, means: str) -> tuple[Live, Any]:
    """Call a model and record what it does.

    It is told that it is exported, so that a library takes the branch that the other ways in see;
    a model that fails in that branch, or computes something else there, is run again as it runs
    alone.

    Returns:
        The recorder, what was written put back, and what the model returned.

    Raises:
        CaptureError: If the model raises.
    """
    roots = Roots.of(model, given)
    take_higher_order(Live, taken)

    def branch(exporting: bool) -> tuple[Live, Any]:
        return sized(partial(_run, model, given, means, roots, exporting))

    try:
        live, result = branch(exporting=True)
        if _is_as_alone(model, given, roots, result):
            return live, result
        return branch(exporting=False)
    except (Exception, SystemExit):  # of any kind: what is not of the branch is raised again
        try:
            return branch(exporting=False)
        except (Exception, SystemExit) as error:
            raise cannot_capture(means, model, error) from error


def _run(
    model: Callable[..., Any],
    given: Arguments,
    means: str,
    roots: Roots,
    exporting: bool,
    shadows: Shadows,
) -> tuple[Live, Any]:
    translator = Translator(_called(model), means, Scopes(roots.classes))
    live = Live(translator, roots, shadows)
    args, words = live.inputs(given)
    try:
        with (
            torch.random.fork_rng(devices=[]),
            compiling(exporting),
            uncompiled(),
            roots.as_before(),
            roots.followed(live.scope),
            enable_python_dispatcher(),
            live,
        ):
            return live, model(*args, **words)
    finally:
        live.tensors.put_back()


def _is_as_alone(model: Any, given: Arguments, roots: Roots, result: Any) -> bool:
    """Whether a model that was told that it is exported gave what it gives alone.

    Asked of modules in evaluation only: to train twice is not to train once. (transformers' colpali
    masks what is to come where it is exported, and nothing where it is not.)
    """
    if not isinstance(model, torch.nn.Module) or model.training:
        return True
    args, kwargs = given.mapped(torch.clone)
    told, _ = returned(result, others=True)
    unseen = torch.random.fork_rng(devices=[])
    try:
        with unseen, roots.as_before(), unwritten(model), torch.no_grad():
            alone, _ = returned(model(*args, **kwargs), others=True)
            return len(alone) == len(told) and all(map(_alike, alone, told))
    except Exception:  # it runs when it is exported alone, or its tensors have no values
        return True


def _alike(one: Any, other: Any) -> bool:
    """Whether two results are one but for rounding: half of the digits, as in `prove`."""
    one, other = torch.as_tensor(one), torch.as_tensor(other)
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if not one.is_floating_point() or one.is_quantized or one.layout != torch.strided:
        return True  # what is picked among equals may differ by rounding
    one, other = one.detach().nan_to_num(), other.detach().nan_to_num()
    most = torch.finfo(one.dtype).eps ** 0.5 * one.abs().max() if one.numel() else 0
    return not one.numel() or bool((one - other).abs().max() <= most)


def _called(model: Any) -> str:
    """The graph's name: a module's class, a function's name."""
    if isinstance(model, torch.nn.Module):
        return type(model).__name__
    name = getattr(model, "__name__", "") or type(model).__name__
    return name if name.isidentifier() else "function"
