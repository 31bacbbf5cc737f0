"""Capture of TensorFlow files: a frozen GraphDef (.pb) and a SavedModel directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError

from graphlens.errors import CaptureError, FormatError
from graphlens.frontends.tf_function import Names, capture_concrete
from graphlens.frontends.tf_session import capture_graph
from graphlens.frontends.tf_specs import Feeds
from graphlens.ir.graph import Graph

_SIGNATURE = "serving_default"


def capture_path(path: Path, feeds: Feeds, outputs: Sequence[Any] | None) -> Graph:
    """The Graph in a file; the arguments are those of `tf_graph.capture`.

    Raises:
        FormatError: If there is no such file, or it is not what its name says.
    """
    if path.is_dir():
        graph = _saved_model(path, feeds)
    else:
        frozen = _frozen(path)
        graph = capture_graph(frozen, feeds, outputs, None, frozen=True)
    graph.name = path.stem
    return graph


def _frozen(path: Path) -> tf.Graph:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error
    definition = tf.compat.v1.GraphDef()
    try:
        definition.ParseFromString(content)
    except DecodeError as error:
        raise FormatError(f"{path}: not a GraphDef of TensorFlow, or cut short: {error}") from error
    if not definition.node:
        raise FormatError(
            f"{path}: a GraphDef without a node; of a SavedModel give the directory that holds it"
        )
    return imported(definition, str(path))


def imported(definition: Any, where: str = "the GraphDef") -> tf.Graph:
    """A GraphDef as a tf.Graph.

    Raises:
        FormatError: If TensorFlow does not accept it.
    """
    graph = tf.Graph()
    with graph.as_default():
        try:
            tf.import_graph_def(definition, name="")
        except (ValueError, tf.errors.OpError) as error:
            raise FormatError(f"{where}: TensorFlow does not accept its graph: {error}") from error
    return graph


def _saved_model(path: Path, feeds: Feeds) -> Graph:
    if not (path / "saved_model.pb").exists() and not (path / "saved_model.pbtxt").exists():
        raise FormatError(f"{path}: a directory without saved_model.pb is no SavedModel")
    try:
        loaded = tf.saved_model.load(str(path))
    except (OSError, ValueError, DecodeError, tf.errors.OpError) as error:
        raise FormatError(f"{path}: TensorFlow cannot load this SavedModel: {error}") from error
    signatures = dict(loaded.signatures)
    if not signatures:
        raise CaptureError(f"{path}: the SavedModel has no signature to capture")
    concrete = signatures.get(_SIGNATURE) or next(iter(signatures.values()))
    return capture_concrete(concrete, feeds, Names(tuple(getattr(loaded, "variables", ()))))
