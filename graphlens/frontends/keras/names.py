"""Names of Keras layers and variables as a graph has them: the same for every copy of a model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

_NUMBERED = re.compile(r"^(.*)_(\d+)$")


class LayerNames:
    """Where each layer of a model stands, and under which name.

    Keras numbers layers that got no name (``conv2d_53``) through the whole process, and TF adds a
    number of its own to each scope (``conv1_1``). Both are taken off: automatic names are counted
    anew within their model, so that a second copy of a model has the names of the first.

    Attributes:
        paths: Path of each layer by ``id``, the model's own being ``''``.
        classes: Class name of the layer at each path.
        title: The model's own name.
        parameters: Name of each variable by ``id``: its layer's path and its own name.
    """

    def __init__(self, model: Any) -> None:
        """The names within ``model``."""
        self.paths: dict[int, str] = {}
        self.classes: dict[str, str] = {}
        self.parameters: dict[int, str] = {}
        self._model = model
        self._found: list[Any] = []
        self._children: dict[str, dict[str, str]] = {}
        self.title = _counted([model])[0]
        self._walk(model)

    def layers(self) -> list[tuple[Any, str]]:
        """Each layer within the model and its path."""
        return [(layer, self.paths[id(layer)]) for layer in self._found if self.paths[id(layer)]]

    def _walk(self, model: Any) -> None:
        waiting: list[tuple[Any, str]] = [(model, "")]
        while waiting:
            layer, path = waiting.pop()
            if id(layer) in self.paths:
                continue
            self.paths[id(layer)] = path
            self._found.append(layer)
            if path:
                self.classes[path] = type(layer).__name__
            for variable in _own_variables(layer):
                self.parameters.setdefault(id(variable), join(path, variable.name))
            children = list(_children(layer))
            names = _counted(children)
            self._children[path] = dict(zip([c.name for c in children], names, strict=True))
            found = [(child, join(path, name)) for child, name in zip(children, names, strict=True)]
            waiting += reversed(found)

    def node(self, op_name: str) -> str:
        """The node name of a TF op name: layer paths as in the model, dots between."""
        parts = op_name.split("/")
        if len(parts) > 1 and self._is_named(parts[0], self._model.name):
            parts = parts[1:]
        path = ""
        done: list[str] = []
        for part in parts[:-1]:
            name = self._child(self._children.get(path, {}), part)
            # A scope that is no layer (a loop's) does not hide the layers in it.
            path = path if name is None else join(path, name)
            done.append(name or part)
        return ".".join([*done, parts[-1]])

    @staticmethod
    def _is_named(part: str, name: str) -> bool:
        return part == name or bool(re.fullmatch(re.escape(name) + r"_\d+", part))

    @staticmethod
    def _child(children: dict[str, str], part: str) -> str | None:
        """The layer that a scope is of; Keras enters each scope twice, so TF has numbered it."""
        found = _NUMBERED.match(part)
        if found and found[1] in children:
            return children[found[1]]
        return children.get(part)

    def outputs(self) -> list[str]:
        """Names of the layers that the model's outputs come from; none where two come from one."""
        found = [
            self.paths.get(id(_maker(tensor)), "")
            for tensor in getattr(self._model, "outputs", None) or ()
        ]
        return found if all(found) and len(set(found)) == len(found) else []


def join(path: str, name: str) -> str:
    """Two parts of a dotted path."""
    name = name.replace("/", ".")
    return f"{path}.{name}" if path else name


def input_names(tensors: Sequence[Any]) -> list[str]:
    """Names of a model's inputs, automatic ones counted anew."""
    names: list[str] = []
    for tensor in tensors:
        layer = _maker(tensor) or tensor
        found = _NUMBERED.match(layer.name)
        automatic = found is not None and found[1] in ("keras_tensor", "input_layer")
        name = found[1] if found and automatic else layer.name
        wanted, number = name, 0
        while wanted in names:
            number += 1
            wanted = f"{name}_{number}"
        names.append(wanted)
    return names


def _maker(tensor: Any) -> Any | None:
    """The layer that a symbolic tensor of a functional model comes from."""
    return getattr(getattr(tensor, "_keras_history", None), "operation", None)


def _children(layer: Any) -> Iterator[Any]:
    seen: set[int] = set()
    for child in layer._flatten_layers(include_self=False, recursive=False):
        if id(child) not in seen:
            seen.add(id(child))
            yield child


def _own_variables(layer: Any) -> Iterator[Any]:
    yield from getattr(layer, "_trainable_variables", ())
    yield from getattr(layer, "_non_trainable_variables", ())


def _counted(layers: Sequence[Any]) -> list[str]:
    """The layers' names; those that Keras made up are counted from the first of their kind."""
    taken = {layer.name for layer in layers if not _is_automatic(layer)}
    names: list[str] = []
    for layer in layers:
        if not _is_automatic(layer):
            names.append(layer.name)
            continue
        stem = _stem(layer)
        name, number = stem, 0
        while name in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(name)
        names.append(name)
    return names


def _stem(layer: Any) -> str:
    """The name that Keras makes up for a layer of that class: ``conv2d`` for ``Conv2D``."""
    word = re.sub(r"\W+", "", type(layer).__name__)
    word = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", word)
    return re.sub("([a-z])([A-Z])", r"\1_\2", word).lower()


def _is_automatic(layer: Any) -> bool:
    stem = _stem(layer)
    return bool(re.fullmatch(re.escape(stem) + r"(_\d+)?", layer.name))
