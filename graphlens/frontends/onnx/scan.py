"""The Scan of opset 8, which worked on a batch, as two Scans of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
from onnx import helper

from graphlens.errors import FormatError

if TYPE_CHECKING:
    from graphlens.frontends.onnx.upgrade import Upgrade


def scan_of_opset_8(node: onnx.NodeProto, upgrade: Upgrade) -> list[onnx.NodeProto]:
    """Every operand and result had a batch axis first: an outer Scan goes along it.

    Raises:
        FormatError: If the sequences have lengths of their own.
    """
    told = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
    if "scan_input_axes" in told:  # the inner one of two that this rule made
        return [node]
    if node.input[0]:
        raise FormatError(
            f"{node.name or node.output[0]!r} (Scan) of opset {upgrade.version}: sequence_lens has "
            "no form in today's opsets"
        )
    count, title = told["num_scan_inputs"], node.output[0]
    operands = [upgrade.fresh(f"{title}.in{i}") for i in range(len(node.input) - 1)]
    results = [upgrade.fresh(f"{title}.out{i}") for i in range(len(node.output))]
    inner = helper.make_node(
        "Scan",
        operands,
        results,
        body=told["body"],
        num_scan_inputs=count,
        scan_input_axes=[0] * count,
        scan_input_directions=list(told.get("directions", [0] * count)),
    )
    body = onnx.GraphProto(name=f"{told['body'].name}_of_one", node=[inner])
    body.input.extend(onnx.ValueInfoProto(name=name) for name in operands)
    body.output.extend(onnx.ValueInfoProto(name=name) for name in results)
    del node.input[0], node.attribute[:]
    node.attribute.extend(
        [
            helper.make_attribute("body", body),
            helper.make_attribute("num_scan_inputs", len(operands)),
            helper.make_attribute("scan_input_axes", [0] * len(operands)),
        ]
    )
    return [node]
