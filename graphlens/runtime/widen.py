"""Other forms of a node for which ONNX Runtime has no kernel: an older version, a wider dtype.

A node of a 16-bit dtype runs in float32, as hardware and PyTorch do, too: they round the result
once. The reference evaluator rounds every step instead, and is slower by orders of magnitude.
"""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper, shape_inference

from graphlens.ops.facts import facts

_CATEGORIES = frozenset(
    {"elementwise", "activation", "matmul", "conv", "norm", "attention", "pool", "reduce"}
)
_NARROW = frozenset({TensorProto.BFLOAT16, TensorProto.FLOAT16})


def widened(model: onnx.ModelProto) -> onnx.ModelProto | None:
    """A model of one node with Casts around it, or None where that does not apply."""
    node = model.graph.node[0]
    narrow = {e.name for e in model.graph.input if e.type.tensor_type.elem_type in _NARROW}
    category = facts(node.op_type, node.domain).category
    if not narrow or category not in _CATEGORIES or node.op_type in ("Cast", "CastLike"):
        return None
    types = _output_types(model)
    if types is None:
        return None
    made = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    made.graph.name = model.graph.name
    made.graph.input.extend(model.graph.input)
    made.graph.output.extend(model.graph.output)
    wide = {name: f"{name}.wide" for name in narrow}
    made.graph.node.extend(_cast(name, wide[name], TensorProto.FLOAT) for name in sorted(narrow))
    inner = made.graph.node.add()
    inner.CopyFrom(node)
    inner.input[:] = [wide.get(name, name) for name in node.input]
    inner.output[:] = [f"{it}.wide" if types.get(it) in _NARROW else it for it in node.output]
    for before, after in zip(inner.output, node.output, strict=True):
        if before != after:
            made.graph.node.append(_cast(before, after, types[after]))
    return made


def older(model: onnx.ModelProto) -> onnx.ModelProto | None:
    """A model of one node at an older opset at which its op was the same but for its types.

    New versions that only add types are many (opset 22 added bfloat16 to most ops), and not all
    kernels follow. None where the version before has other attributes or operands.
    """
    node = model.graph.node[0]
    spoken = {entry.domain: entry.version for entry in model.opset_import}
    if node.domain or any(each.type == onnx.AttributeProto.GRAPH for each in node.attribute):
        return None  # the nodes of a body would be read at the older opset, too
    try:
        now = onnx.defs.get_schema(node.op_type, spoken.get("", 1))
        before = onnx.defs.get_schema(node.op_type, now.since_version - 1)
    except onnx.defs.SchemaError:
        return None
    if before.deprecated or _form(now) != _form(before):
        return None
    made = onnx.ModelProto()
    made.CopyFrom(model)
    for entry in made.opset_import:
        if not entry.domain:
            entry.version = before.since_version
    return made


def _form(schema: onnx.defs.OpSchema) -> tuple[object, ...]:
    """What two versions of an op have in common if they mean the same."""
    attributes = {
        name: each.default_value.SerializeToString() for name, each in schema.attributes.items()
    }
    counts = schema.min_input, schema.max_input, schema.min_output, schema.max_output
    return attributes, counts


def _output_types(model: onnx.ModelProto) -> dict[str, int] | None:
    """Element types of the node's outputs."""
    try:
        inferred = shape_inference.infer_shapes(model)
    except (shape_inference.InferenceError, RuntimeError):
        return None
    types = {entry.name: entry.type.tensor_type.elem_type for entry in inferred.graph.output}
    return types if all(types.values()) else None


def _cast(operand: str, result: str, to: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [operand], [result], to=to)
