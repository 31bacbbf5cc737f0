"""Names to things: the module and attribute behind each front end, pass, view and file format.

The one place that imports by name. A plug-in adds to a table by an entry point of its group; a
name that is already taken is an error, so that nobody's pass is replaced in silence.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from graphlens.errors import CaptureError, MissingDependencyError, UsageError, unknown_name


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of thing that can be asked for by name.

    Attributes:
        kind: What an entry is, in the singular, for messages.
        group: The entry-point group that adds to it.
        own: Name -> ``'module:attribute'`` of those that come with graphlens.
    """

    kind: str
    group: str
    own: Mapping[str, str]

    def __hash__(self) -> int:
        return hash(self.group)


FRONTENDS = Table(
    "front end",
    "graphlens.frontends",
    {
        "torch.fx": "graphlens.frontends.torch.fx:capture",
        "torch.jit": "graphlens.frontends.torch.jit:capture",
        "torch.export": "graphlens.frontends.torch.export:capture",
        "torchscript": "graphlens.frontends.torch.script.file:capture",
        "torch.eager": "graphlens.frontends.torch.eager:capture",
        "torch.autograd": "graphlens.frontends.torch.autograd:capture",
        "tf": "graphlens.frontends.tf.graph:capture",
        "tf.file": "graphlens.frontends.tf.saved:capture",
        "keras": "graphlens.frontends.keras.model:capture",
        "onnx": "graphlens.frontends.onnx.file:capture",
        "caffe2": "graphlens.frontends.caffe2.net:capture",
    },
)

PASSES = Table(
    "pass",
    "graphlens.passes",
    {
        name: f"graphlens.passes.{name}:{name}"
        for name in (
            "canonicalize",
            "eliminate",
            "fold_constants",
            "common_subexpressions",
            "fold_batch_norm",
            "fuse",
            "reuse_buffers",
            "layout",
        )
    }
    | {"onnxruntime": "graphlens.optimizers.onnxruntime:onnxruntime"},
)

VIEWS = Table(
    "kind of picture",
    "graphlens.views",
    {
        "graphlens.ir.graph.Graph": "graphlens.view:graph",
        "graphlens.passes.history.History": "graphlens.view:before_after",
        "graphlens.passes.history.Step": "graphlens.view:before_after",
        "graphlens.memory.plan.MemoryPlan": "graphlens.view:memory",
        "graphlens.analysis.diff.Diff": "graphlens.view:difference",
    },
)
"""By the qualified name of the type that is drawn."""

PAGES = Table(
    "kind of page",
    "graphlens.pages",
    {
        "graphlens.ir.graph.Graph": "graphlens.view.page:of_graph",
        "graphlens.passes.history.History": "graphlens.view.page:of_history",
        "graphlens.passes.history.Step": "graphlens.view.page:of_step",
        "graphlens.memory.plan.MemoryPlan": "graphlens.view.page:of_plan",
        "graphlens.analysis.diff.Diff": "graphlens.view.page:of_diff",
    },
)
"""By the qualified name of the type that an interactive page shows."""

WRITERS = Table(
    "file format",
    "graphlens.writers",
    {
        ".json": "graphlens.ir.json_form:dump",
        ".onnx": "graphlens.runtime.lower:save_onnx",
    },
)

LIBRARIES = Table(
    "model library",
    "graphlens.libraries",
    {
        "keras": "graphlens.cli.libraries.keras:model",
        "timm": "graphlens.cli.libraries.timm:model",
        "torchvision": "graphlens.cli.libraries.torchvision:model",
        "transformers": "graphlens.cli.libraries.transformers:model",
    },
)

_TYPES = {
    "torch.fx.graph_module.GraphModule": "torch.fx",
    "torch.jit._script.ScriptModule": "torch.jit",
    "torch.jit.torch.jit.ScriptFunction": "torch.jit",
    "torch.export.exported_program.ExportedProgram": "torch.export",
    "torch.nn.modules.module.Module": "torch.fx",
    "keras.src.layers.layer.Layer": "keras",
    "tensorflow.python.framework.ops.Graph": "tf",
    "tensorflow.core.framework.graph_pb2.GraphDef": "tf.file",
    "tensorflow.python.module.module.Module": "tf",
    "tensorflow.python.types.core.PolymorphicFunction": "tf",
    "tensorflow.python.types.core.ConcreteFunction": "tf",
    "onnx.onnx_ml_pb2.ModelProto": "onnx",
}
"""Qualified name of a model's type -> its front end; the first in the type's MRO decides."""

_EXTRAS = {
    "torch": "graphlens[torch]",
    "tensorflow": "graphlens[tensorflow]",
    "keras": "graphlens[keras]",
    "onnxruntime": "graphlens[runtime]",
    "transformers": "graphlens[models]",
    "timm": "graphlens[models]",
    "argcomplete": "graphlens[complete]",
    "psutil": "graphlens[sweep]",
    "tqdm": "graphlens[sweep]",
    "distributed": "graphlens[cluster]",
}


def load(where: str) -> Any:
    """The object at ``'module:attribute'``.

    Raises:
        MissingDependencyError: If a package that the module needs is not there or does not load.
    """
    module, _, attribute = where.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", "graphlens"):
            raise
        wanted = _EXTRAS.get(missing, missing)
        raise MissingDependencyError(
            f"{module} needs the package {missing!r}, which is not installed: "
            f"pip install '{wanted}'"
        ) from error
    except (ImportError, RuntimeError, OSError) as error:
        raise MissingDependencyError(
            f"{module} cannot be loaded: {_first_line(error)}; a package that it needs is broken, "
            "or was built for another version of its framework"
        ) from error


def find(table: Table, name: str) -> Any:
    """The thing of that name.

    Raises:
        UsageError: If the table has no such name.
        MissingDependencyError: If a package that it needs is not there.
    """
    known = entries(table)
    if name not in known:
        raise unknown_name(table.kind, name, known)
    return load(known[name])


def entries(table: Table) -> Mapping[str, str]:
    """Name -> ``'module:attribute'``: ours, then the plug-ins' by name.

    Raises:
        UsageError: If two plug-ins, or one and graphlens, claim the same name.
    """
    found = dict(table.own)
    for name, where in _plugged(table.group):
        if found.get(name, where) != where:
            raise UsageError(
                f"two packages give the {table.kind} {name!r}: {found[name]!r} and {where!r}; "
                f"rename or uninstall one of them (entry-point group {table.group!r})"
            )
        found[name] = where
    return found


def find_by_type(table: Table, thing: object) -> Any:
    """The entry for a value, by the qualified name of its type or the nearest base that has one.

    Raises:
        UsageError: If there is none.
    """
    known = entries(table)
    for name in _lineage(thing):
        if name in known:
            return load(known[name])
    expected = [name.rpartition(".")[2] for name in known]
    raise UsageError(f"no {table.kind} for a {_called(thing)} (must be one of {sorted(expected)})")


def detect(model: object) -> str:
    """The front end for a model, by its type's name: nothing is imported to find out.

    Raises:
        CaptureError: If no front end is known for that type.
    """
    known = {**_TYPES, **dict(_plugged("graphlens.types"))}
    for name in _lineage(model):
        if name in known:
            return known[name]
    raise CaptureError(
        f"cannot tell what captures a {_called(model)}: expected a torch module, GraphModule, "
        "ScriptModule or ExportedProgram, a Keras model, a tf.Graph or tf.function, an ONNX model "
        f"or a path; else say via= one of {sorted(entries(FRONTENDS))}"
    )


def is_graph(thing: object) -> bool:
    """Whether a value is a graphlens Graph."""
    return "graphlens.ir.graph.Graph" in _lineage(thing)


def version() -> str:
    """The installed version of graphlens."""
    return importlib.import_module("importlib.metadata").version("graphlens")


_NEEDED = {
    "graphlens.frontends.torch": "torch",
    "graphlens.frontends.torch.script": "torch",
    "graphlens.frontends.tf": "tensorflow",
    "graphlens.frontends.tf.saved": None,
    "graphlens.frontends.keras": "keras",
    "graphlens.frontends.onnx": "onnx",
}
"""The framework behind the front ends of a package, or behind one."""


def available(where: str) -> bool:
    """Whether the framework behind a front end's module is installed, without importing it."""
    module = where.partition(":")[0]
    package = _NEEDED.get(module, _NEEDED.get(module.rpartition(".")[0]))
    return package is None or importlib.util.find_spec(package) is not None


@cache
def _plugged(group: str) -> tuple[tuple[str, str], ...]:
    """Entry points of a group, sorted, so that the order of installation does not matter."""
    found = importlib.import_module("importlib.metadata").entry_points(group=group)
    return tuple(sorted((point.name, point.value) for point in found))


def _lineage(thing: object) -> list[str]:
    return [f"{kind.__module__}.{kind.__qualname__}" for kind in type(thing).__mro__]


def _called(thing: object) -> str:
    kind = type(thing)
    prefix = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{prefix}{kind.__qualname__}"


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
