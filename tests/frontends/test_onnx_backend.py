"""ONNX's own backend cases through load, Graph and run: an oracle that we did not write.

The 1,876 of single nodes take a minute and a half, so a fifth of those that are made quickly run by
default and all of them under `make zoo`; the 140 files of small models, most of opset 6, always do.
"""

import dataclasses
import importlib
import pkgutil
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.backend.test.case import node
from onnx.backend.test.loader import load_model_tests

from graphlens.frontends.onnx_file import capture
from graphlens.ir import check
from graphlens.runtime.run import run

# What the cases compute while they are made, in numpy.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

RANDOM = ("bernoulli", "training_dropout")
NOT_TENSORS = (
    *(
        "sequence_map",
        "sequence_insert",
        "split_to_sequence",
        "identity_sequence",
        "identity_opt",
        "optional_",
    ),
    *("if_seq", "if_opt", "loop13_seq", "loop16_seq"),
)
DISAGREES = {
    # ONNX Runtime gives another result than the standard's reference.
    "test_maxunpool_export_with_output_shape",
    "test_resize_downsample_scales_cubic_align_corners",
    "test_resize_downsample_scales_linear_align_corners",
    # Nothing here computes gradients.
    "test_gradient_of_add",
    "test_gradient_of_add_and_mul",
    # Its batch axis has no form in today's opsets.
    "test_scan_sum",
}


SLOW = ("averagepool", "lppool", "maxpool")
"""Modules of cases that take seconds each to make their data."""


def cases(slow=False):
    """The cases of all modules; a module makes them when it is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in pkgutil.iter_modules(node.__path__):
            if slow or module.name not in SLOW:
                importlib.import_module(f"{node.__name__}.{module.name}")
    return list(node._NodeTestCases)


def applies(case):
    name = case.name.removeprefix("test_")
    if case.name in DISAGREES or name.startswith(NOT_TENSORS):
        return False
    return not any(word in name for word in RANDOM)


def files(kind):
    """The cases of a kind that onnx carries as files, as the others are."""
    for case in load_model_tests(kind=kind):
        if case.model_dir is None:
            yield case
            continue
        folder = Path(case.model_dir)
        sets = [(tensors(it, "input"), tensors(it, "output")) for it in folder.glob("test_data_*")]
        yield dataclasses.replace(case, model=folder / "model.onnx", data_sets=sets)


def tensors(folder, what):
    paths = sorted(folder.glob(f"{what}_*.pb"), key=lambda it: int(it.stem.rpartition("_")[2]))
    return [onnx.TensorProto.FromString(path.read_bytes()) for path in paths]


def failure(case):
    """What is wrong with our run of a case, or ''."""
    try:
        graph = check(capture(case.model))
        for inputs, outputs in case.data_sets:
            for found, expected in zip(run(graph, *map(plain, inputs)), outputs, strict=True):
                compare(found, plain(expected), case)
    except Exception as error:
        return f"{case.name}: {type(error).__name__}: {str(error).strip()[:300]}"
    return ""


def plain(value):
    array = numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value
    return np.asarray(array)


def compare(found, expected, case):
    assert found.shape == expected.shape
    if expected.dtype.kind in "OUS":
        assert found.tolist() == expected.tolist()
        return
    assert found.dtype == expected.dtype
    wide = np.complex128 if found.dtype.kind == "c" else np.float64
    rounding = 1e-3 if "dft" in case.name or "stft" in case.name else 1e-5
    # The cases round bfloat16 at every step of an op, we round its result: some steps of 2**-8.
    relative = 0.02 if str(found.dtype) == "bfloat16" else case.rtol or 1e-3
    np.testing.assert_allclose(
        found.astype(wide), expected.astype(wide), rtol=relative, atol=rounding
    )


def test_a_fifth_of_the_node_cases_give_their_outputs():
    chosen = [case for case in cases()[::5] if applies(case)]
    assert len(chosen) > 250
    assert list(filter(None, map(failure, chosen))) == []


@pytest.mark.parametrize(
    ("kind", "count"), [("simple", 21), ("pytorch-converted", 82), ("pytorch-operator", 35)]
)
def test_small_models_of_old_opsets_give_their_outputs(kind, count):
    chosen = [case for case in files(kind) if applies(case)]
    assert len(chosen) >= count
    assert list(filter(None, map(failure, chosen))) == []


@pytest.mark.zoo
def test_all_node_cases_give_their_outputs():
    made = cases(slow=True)
    chosen = [case for case in made if applies(case)]
    failed = list(filter(None, map(failure, chosen)))
    print(f"{len(chosen) - len(failed)} of {len(made)} cases pass, {len(chosen)} apply")
    assert failed == []
