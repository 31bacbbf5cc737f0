"""A framework in ten lines: what runs the ops of the domain 'mine' in the tests."""

import numpy as np


def run(node, operands):
    if node.op == "scaled":
        return [operands[0] * np.float32(node.attributes["by"])]
    if node.op == "both":
        least = operands[1].min() if operands[0] is None else operands[0]
        return [operands[1] - least, operands[1].sum(keepdims=True)]
    if node.op == "fail":
        raise ArithmeticError("as it was told to")
    raise NotImplementedError(f"mine has no op {node.op}")
