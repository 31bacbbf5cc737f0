"""The ONNX package's own backend cases, all of one form: what ONNX itself is tested by.

Their data is numpy's and the reference evaluator's, so they are an oracle that we did not write.
"""

import dataclasses
import importlib
import pkgutil
import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case import node
from onnx.backend.test.loader import load_model_tests
from onnx.backend.test.runner import Runner

FILES = ("simple", "pytorch-converted", "pytorch-operator", "real")
SLOW = ("averagepool", "lppool", "maxpool")
"""Modules of cases that take seconds each to make their data."""

_LIGHT = Path(onnx.__file__).parent.parent


def node_cases(slow=False):
    """The cases of single nodes; a module makes them when it is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in pkgutil.walk_packages(node.__path__, f"{node.__name__}."):
            if slow or not module.name.endswith(SLOW):
                importlib.import_module(module.name)
    return list(node._NodeTestCases)


def file_cases(kind):
    """The cases of a kind that onnx carries as files, as the others are."""
    for case in load_model_tests(kind=kind):
        if case.model_dir is None:
            yield _light(case)
            continue
        folder = Path(case.model_dir)
        types = _types(onnx.load(folder / "model.onnx"))
        sets = [
            tuple(_values(it, what, held) for what, held in zip(("input", "output"), types))  # noqa: B905
            for it in sorted(folder.glob("test_data_*"))
        ]
        yield dataclasses.replace(case, model=folder / "model.onnx", data_sets=sets)


def _light(case):
    """A real model without its weights, on the data that onnx's own runner makes."""
    path = _LIGHT / case.url
    graph = onnx.load(path).graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [
        Runner.generate_dummy_data(entry, seed=0, name=case.model_name)
        for entry in graph.input
        if entry.name not in weights
    ]
    outputs = [
        _read(path.with_name(f"{path.stem}_output_{i}.pb"), entry.type)
        for i, entry in enumerate(graph.output)
    ]
    return dataclasses.replace(case, model=path, data_sets=[(inputs, outputs)])


def _types(model):
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [entry.type for entry in model.graph.input if entry.name not in weights]
    return inputs, [entry.type for entry in model.graph.output]


def _values(folder, what, types):
    paths = sorted(folder.glob(f"{what}_*.pb"), key=lambda it: int(it.stem.rpartition("_")[2]))
    return [_read(path, held) for path, held in zip(paths, types, strict=True)]


def _read(path, held):
    kinds = {
        "sequence_type": (onnx.SequenceProto, numpy_helper.to_list),
        "optional_type": (onnx.OptionalProto, numpy_helper.to_optional),
        "tensor_type": (onnx.TensorProto, numpy_helper.to_array),
    }
    proto, plain = kinds[held.WhichOneof("value")]
    return plain(proto.FromString(path.read_bytes()))


def plain(value):
    """A value of a case as the runtime takes it."""
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    if isinstance(value, onnx.SequenceProto):
        return numpy_helper.to_list(value)
    if isinstance(value, onnx.OptionalProto):
        return numpy_helper.to_optional(value)
    if value is None or isinstance(value, dict):
        return value
    return [plain(each) for each in value] if isinstance(value, list) else np.asarray(value)


def same(found, expected, case):
    """Raises AssertionError where a result is not the case's."""
    if isinstance(expected, list):
        assert isinstance(found, list)
        for one, other in zip(found, expected, strict=True):
            same(one, plain(other), case)
        return
    if expected is None or isinstance(expected, dict):
        assert found == expected
        return
    assert found is not None
    assert found.shape == expected.shape
    if expected.dtype.kind in "OUS":
        assert found.tolist() == expected.tolist()
        return
    assert found.dtype == expected.dtype
    if case.name.removeprefix("test_").startswith("bernoulli"):  # any zeros and ones are right
        assert set(np.unique(found.astype(float))) <= {0.0, 1.0}
        return
    wide = np.complex128 if found.dtype.kind == "c" else np.float64
    rounding = 1e-3 if "dft" in case.name or "stft" in case.name else 1e-5
    # The cases round bfloat16 at every step of an op, we round its result: some steps of 2**-8.
    relative = 0.02 if str(found.dtype) == "bfloat16" else case.rtol or 1e-3
    np.testing.assert_allclose(
        found.astype(wide), expected.astype(wide), rtol=relative, atol=rounding
    )
