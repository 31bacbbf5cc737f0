"""Capture of TensorFlow's files without TensorFlow: GraphDefs (.pb) and SavedModel directories."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format

from graphlens.errors import CaptureError, FormatError, unknown_name
from graphlens.frontends.input_types import DynamicShapes
from graphlens.frontends.tf.bundle import Bundle
from graphlens.frontends.tf.call import Handle
from graphlens.frontends.tf.importer import Frame, Importer
from graphlens.frontends.tf.nodes import Nodes
from graphlens.frontends.tf.schema import message, parsed
from graphlens.frontends.tf.session import Ends, capture_graph, node_name, parameters, write
from graphlens.frontends.tf.specs import Feeds
from graphlens.frontends.tf.stored import TABLES, Stored, read_from_checkpoint, stored
from graphlens.ir.graph import Graph
from graphlens.ops.build import Builder

_SIGNATURE = "serving_default"
_TECHNICAL = "__saved_model_"
"""How the names of signatures begin that initialise or train, and are none of the model's."""


def capture(
    model: Any,
    *inputs: Any,
    kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: DynamicShapes = None,
    outputs: Sequence[Any] | None = None,
    signature: str | None = None,
    calls: str = "scopes",
) -> Graph:
    """The Graph of a TensorFlow file; nothing in it is executed, and TensorFlow is not needed.

    Args:
        model: The path of a GraphDef's ``.pb`` file or of a SavedModel directory, or a GraphDef.
        inputs: Arrays, tensors or TensorTypes that say what the model is fed; not needed where the
            file says it.
        kwargs: The same by name: of a placeholder, or of an input of the signature.
        dynamic_shapes: Symbols for axes of the inputs, by input name or place.
        outputs: The tensors (or ops that change variables) that are returned, by name; by default
            those of a SavedModel's signature, of a GraphDef those that nobody reads.
        signature: Of a SavedModel: which of its signatures; by default ``'serving_default'``, or
            the first.
        calls: What becomes of calls of functions: ``'scopes'`` of the function's name, or
            ``'inline'`` among the caller's ops.

    Raises:
        CaptureError: If the graph cannot be captured; the message says why.
        FormatError: If a file is not what its name says.
    """
    feeds = Feeds(inputs, kwargs or {}, dynamic_shapes, calls)
    if not isinstance(model, str | os.PathLike):
        return _graph_def(model.SerializeToString(), "the GraphDef", feeds, outputs)
    path = Path(model)
    if path.is_dir():
        graph = _saved_model(path, feeds, outputs, signature)
    elif signature is not None:
        raise CaptureError(f"{path}: a GraphDef has no signatures, found signature={signature!r}")
    else:
        graph = _graph_def(_content(path), str(path), feeds, outputs)
    graph.name = path.stem
    return graph


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error


def _graph_def(content: bytes, where: str, feeds: Feeds, outputs: Sequence[Any] | None) -> Graph:
    definition = parsed("GraphDef", content, where)
    if not definition.node:
        raise FormatError(
            f"{where}: a GraphDef without a node; of a SavedModel give the directory that holds it"
        )
    nodes = Nodes.of(definition)
    held = stored(nodes)
    return capture_graph(nodes, feeds, outputs, lambda ops: held.variables, frozen=True)


# -- SavedModels ----------------------------------------------------------------------------


def _saved_model(
    path: Path, feeds: Feeds, outputs: Sequence[Any] | None, signature: str | None
) -> Graph:
    whole = _meta_graph(path)
    nodes = Nodes.of(whole.graph_def, whole.meta_info_def.stripped_op_list.op)
    held = stored(nodes, _checkpoint(path, nodes))
    if outputs is not None:
        return capture_graph(nodes, feeds, outputs, lambda ops: held.variables)
    ends = _ends(nodes, path, whole, signature)
    target = Graph(name=path.stem)
    target.graph["capture"] = "tf.saved_model"
    builder = Builder(target)
    importer = Importer(builder, parameters(builder, held.variables), node_name, feeds.calls)
    write(importer, nodes, feeds, ends, _tables(nodes, held), _trainable(whole))
    return target


def _checkpoint(path: Path, nodes: Nodes) -> Bundle | None:
    """The values of a SavedModel's variables; None if it has neither."""
    weights = path / "variables" / "variables"
    if weights.with_name("variables.index").exists():
        return Bundle(weights)
    missing = read_from_checkpoint(nodes)
    if missing:
        some = ", ".join(map(repr, missing[:3])) + (", ..." if len(missing) > 3 else "")
        raise FormatError(
            f"{path}: variables/variables.index is not there, from which {len(missing)} "
            f"of the model's variables are read ({some}): give the directory as TensorFlow saved "
            "it, with the folder 'variables' beside saved_model.pb"
        )
    return None


def _meta_graph(path: Path) -> Any:
    """The graph that is for serving, or the only one."""
    file = path / "saved_model.pb"
    if file.exists():
        saved = parsed("SavedModel", _content(file), str(file))
    elif (path / "saved_model.pbtxt").exists():
        saved = _from_text(path / "saved_model.pbtxt")
    else:
        raise FormatError(f"{path}: a directory without saved_model.pb is no SavedModel")
    if not saved.meta_graphs:
        raise FormatError(f"{file}: a SavedModel without a graph")
    graphs = list(saved.meta_graphs)
    return next((each for each in graphs if "serve" in each.meta_info_def.tags), graphs[0])


def _from_text(path: Path) -> Any:
    try:
        return text_format.Parse(_content(path), message("SavedModel")())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: not the text of a SavedModel: {error}") from error


def _ends(nodes: Nodes, path: Path, whole: Any, wanted: str | None) -> Ends:
    """Inputs and outputs of a signature, each in the order of their names, as TensorFlow has it."""
    names = sorted(n for n in whole.signature_def if not n.startswith(_TECHNICAL))
    if wanted is not None and wanted not in names:
        raise unknown_name(f"signature of {str(path)!r}:", wanted, names)
    if not names:
        raise CaptureError(
            f"{path}: the SavedModel has no signature to capture: name tensors by outputs="
        )
    name = wanted or (_SIGNATURE if _SIGNATURE in names else names[0])
    found = whole.signature_def[name]
    fed, returned = (
        [(node_name(key), _tensor(nodes, side[key].name, name)) for key in sorted(side)]
        for side in (found.inputs, found.outputs)
    )
    return Ends(fed, returned)


def _tensor(nodes: Nodes, name: str, signature: str) -> Any:
    try:
        return nodes.get_tensor_by_name(name)
    except KeyError as error:
        raise FormatError(
            f"the signature {signature!r} names {name!r}, which the graph does not hold"
        ) from error


def _tables(nodes: Nodes, held: Stored) -> Frame:
    """What the lookup tables became."""
    frame: Frame = {}
    for op in nodes.get_operations():
        if op.type in TABLES:
            frame[op.outputs[0].name] = _table(node_name(op.name), held.tables.get(op.name))
    return frame


def _table(name: str, content: tuple[np.ndarray, np.ndarray] | None) -> Handle:
    return Handle(
        name, lambda key, value: content, lambda: None if content is None else len(content[0])
    )


def _trainable(whole: Any) -> frozenset[str]:
    """Names of the variables that training changes."""
    held = (node.variable for node in whole.object_graph_def.nodes if node.HasField("variable"))
    return frozenset(re.sub(r":\d+$", "", each.name) for each in held if each.trainable)
