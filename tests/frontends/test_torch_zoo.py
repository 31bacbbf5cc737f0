"""The sweep over whole libraries: torch's op samples, torchvision, transformers (make zoo)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
sys.path.insert(0, str(Path(__file__).parents[1]))

import torch_models  # noqa: E402
import transformers  # noqa: E402
from torch.utils import _pytree as pytree  # noqa: E402

from graphlens.errors import CaptureError, RunError  # noqa: E402
from graphlens.frontends.torch import fx as torch_fx  # noqa: E402
from graphlens.frontends.torch.inputs import returned  # noqa: E402
from graphlens.ir import Graph, check  # noqa: E402
from graphlens.ops.schema import in_vocabulary  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.zoo,
    # the libraries' own warnings, of which a sweep over them meets all
    pytest.mark.filterwarnings("ignore"),
]

SAMPLES = 2
"""Samples of each op and dtype."""

UNSETTLED = frozenset(
    """
    empty empty_like empty_permuted empty_strided new_empty new_empty_strided bfloat16 chalf
    exponential geometric log_normal normal cauchy bernoulli rand_like randn randn_like randint
    randint_like uniform multinomial nn.functional.dropout nn.functional.dropout2d
    nn.functional.dropout3d nn.functional.feature_alpha_dropout_with_train
    nn.functional.alpha_dropout topk sort argsort msort __rpow__ pow float_power
    nn.functional.rrelu nn.functional.conv_transpose1d nn.functional.conv_transpose2d
    nn.functional.conv_transpose3d nn.functional.pad var_mean std_mean
    nn.functional.fractional_max_pool2d nn.functional.fractional_max_pool3d
    svd_lowrank pca_lowrank kthvalue multinomial
    _upsample_bilinear2d_aa nn.functional.group_norm nn.functional.scaled_dot_product_attention
    """.split()  # noqa: SIM905
)
"""Ops whose samples have no one right value (uninitialised, random, ties, 0 to a negative power),
or ask ONNX Runtime for what it refuses (an output padding beyond the stride, an empty batch)."""

UNREACHED = ("jiterator", "_refs", "sparse", "ops.", "to_sparse", "chalf", "as_strided_scatter")
"""Beginnings of ops without a dense form, made of Python, or that look at gaps in memory."""

UNSETTLED_COMPLEX = ("linalg", "svd", "pca", "pinverse", "lu", "qr", "ormqr", "geqrf", "abs")
"""Ops of complex matrices whose answers differ by a turn, or that overflow."""


REFUSED = ("Data", "Dynamic", "without being made", "returned no tensor but a Size")
"""Words of what is rightly refused: sizes that depend on data, and ``broadcast_shapes``."""


def unknown(graph: Graph) -> list[str]:
    nodes = [graph.node(name) for name in graph]
    return [node.qualified for node in nodes if not in_vocabulary(node.op, node.domain)]


def assert_alike(graph: Graph, inputs: list[Any], wanted: list[Any]) -> None:
    got = run(graph, *(one.numpy() for one in inputs))
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        expected = np.asarray(other)
        assert one.shape == expected.shape
        scale = float(np.nanmax(np.abs(expected), initial=1.0)) if expected.size else 1.0
        scale = scale if np.isfinite(scale) else 1.0
        np.testing.assert_allclose(one, expected, rtol=1e-3, atol=1e-4 * scale, equal_nan=True)


class Sample(torch.nn.Module):
    """One op on one of its samples."""

    def __init__(self, op: Any, sample: Any) -> None:
        super().__init__()
        self._op = op
        self._leaves, self._spec = pytree.tree_flatten((sample.input, sample.args, sample.kwargs))
        self.tensors = [one.detach() for one in self._leaves if isinstance(one, torch.Tensor)]

    def forward(self, *tensors: Any) -> Any:
        given = iter(tensors)
        leaves = [next(given) if isinstance(x, torch.Tensor) else x for x in self._leaves]
        first, args, kwargs = pytree.tree_unflatten(leaves, self._spec)
        return self._op(first, *args, **kwargs)


def fault(op: Any, sample: Any) -> str:
    """What is wrong with the capture of one sample, if anything is."""
    model = Sample(op, sample)
    try:
        graph = check(torch_fx.capture(model, *model.tensors))
    except CaptureError as error:
        known = any(word in str(error) for word in REFUSED)
        return "" if known else str(error).splitlines()[0]
    wanted, _ = returned(model(*(one.clone() for one in model.tensors)))
    inputs = [one.resolve_conj().resolve_neg() for one in model.tensors]
    try:
        assert_alike(graph, inputs, [_settled(one) for one in wanted])
    except (AssertionError, RunError) as error:
        return " ".join(str(error).split())[:200]
    return ""


def _settled(one: Any) -> Any:
    return one.resolve_conj().resolve_neg() if isinstance(one, torch.Tensor) else one


DTYPES = [torch.float32, torch.float64, torch.complex64, torch.int64, torch.bool]


@pytest.mark.timeout(1200)  # torch has 677 ops and more
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_op_gives_what_torch_gives(dtype: Any) -> None:
    """In the vocabulary, or through torch where it is not."""
    pytest.importorskip("expecttest")  # torch's samples need it, and cost 9 s to import
    from torch.testing._internal.common_methods_invocations import op_db

    found: list[str] = []
    for info in op_db:
        left_out = info.name in UNSETTLED or info.name.startswith(UNREACHED)
        if dtype.is_complex and info.name.startswith(UNSETTLED_COMPLEX):
            continue
        if left_out or dtype not in info.supported_dtypes("cpu"):
            continue
        samples = list(info.sample_inputs("cpu", dtype, requires_grad=False))
        for sample in samples[:: max(1, len(samples) // SAMPLES)][:SAMPLES]:
            wrong = fault(info.op, sample)
            found += [f"{info.name}: {wrong}"] if wrong else []
    assert found == []


VISION = """
mobilenet_v3_small efficientnet_b0 densenet121 convnext_tiny swin_t swin_v2_t shufflenet_v2_x0_5
regnet_x_400mf squeezenet1_0 mnasnet0_5
""".split()  # noqa: SIM905


@pytest.mark.parametrize("name", VISION)
def test_torchvisions_model_runs_alike(name: str) -> None:
    torch.manual_seed(0)
    model = getattr(torch_models._torchvision().models, name)(weights=None).eval()
    x = torch.randn(1, 3, 96, 96)
    graph = check(torch_fx.capture(model, x))
    assert unknown(graph) == []
    with torch.no_grad():
        wanted, _ = returned(model(x))
    assert_alike(graph, [x], wanted)


SMALL = {
    "vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 64, "pad_token_id": 1, "bos_token_id": 1, "eos_token_id": 1,
}  # fmt: skip
GROUPED = {**SMALL, "num_key_value_heads": 2, "head_dim": 8}
LANGUAGE: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("Roberta", "Electra", "GPTNeoX", "Falcon", "DebertaV2", "MPNet"), SMALL),
    **dict.fromkeys(("Mistral", "Qwen2", "Qwen3", "Gemma", "Gemma2", "Olmo", "Cohere"), GROUPED),
    "Albert": {**SMALL, "embedding_size": 16},
    "ModernBert": {**SMALL, "cls_token_id": 2, "sep_token_id": 3},
    "Mamba": {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4},
}


@pytest.mark.parametrize("name", LANGUAGE)
def test_transformers_model_runs_alike(name: str) -> None:
    torch.manual_seed(0)
    kind = getattr(transformers, f"{name}Model")
    model = kind(kind.config_class(**LANGUAGE[name])).eval()
    model.config.use_cache = False
    tokens = torch.randint(4, 60, (1, 8))
    graph = check(torch_fx.capture(model, tokens))
    assert unknown(graph) == []
    with torch.no_grad():
        wanted, _ = returned(model(tokens))
    assert_alike(graph, [tokens], wanted)
