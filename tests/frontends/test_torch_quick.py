"""Rules for the results of ops on fake tensors: what torch itself gives, or no answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402
from torch.utils import _pytree as pytree  # noqa: E402

from graphlens.frontends.torch.fakes import Fakes  # noqa: E402
from graphlens.frontends.torch.quick import by_kernel, by_rule  # noqa: E402
from graphlens.frontends.torch.quick_rules import RULES  # noqa: E402

pytestmark = pytest.mark.torch
aten = torch.ops.aten
A, B, C = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 5, 4), torch.rand(4, 5)
SWAPPED = A.transpose(1, 2)
LAST = A.to(memory_format=torch.channels_last)
MASK = A > 0.5
INTS = torch.arange(6).reshape(2, 3)
W, BIAS = torch.rand(6, 3, 3, 3), torch.rand(6)
WINDOW = [1, 1], [1, 1], [1, 1]
STATS = [torch.rand(3) for _ in range(4)]

PLAIN: list[tuple[Any, ...]] = [
    (aten.add.Tensor, A, C),
    (aten.add.Tensor, A, 2),
    (aten.mul.Tensor, SWAPPED, 2.0),
    (aten.relu.default, SWAPPED),
    (aten.relu.default, LAST),
    (aten.pow.Tensor_Scalar, A, 2),
    (aten.pow.Scalar, 2, A),
    (aten.clamp.default, A, 0.1),
    (aten.div.Tensor, A, C),
    (aten.gelu.default, A),
    (aten.gt.Tensor, A, C),
    (aten.eq.Scalar, INTS, 1),
    (aten.logical_and.default, MASK, MASK),
    (aten.where.self, MASK, A, A),
    (aten.masked_fill.Scalar, A, MASK, -1.0),
    (aten.layer_norm.default, A, [5], torch.rand(5), torch.rand(5)),
    (aten.batch_norm.default, A, *STATS, False, 0.1, 1e-5, False),
    (aten.softmax.int, A, -1),
    (aten.dropout.default, A, 0.5, False),
    (aten.linear.default, SWAPPED, torch.rand(7, 5), torch.rand(7)),
    (aten.matmul.default, A, B),
    (aten.matmul.default, A, B[0, 0]),
    (aten.matmul.default, A[:, :1], B),
    (aten.embedding.default, C, INTS % 4),
    (aten.conv2d.default, A, W, BIAS, [1, 1], [1, 1]),
    (aten.conv2d.default, A, W, None, [2, 1], [1, 2], [1, 1]),
    (aten._convolution.default, A, W, BIAS, *WINDOW, False, [0, 0], 1, *[False] * 4),
    (aten.conv1d.default, A[:, :, 0].contiguous(), W[:, :, 0].contiguous(), None, [2]),
    (aten.max_pool2d.default, A, [2, 2]),
    (aten.max_pool2d.default, A, [3], [2], [1]),
    (aten.adaptive_avg_pool2d.default, A, [1, 2]),
    (aten.mean.dim, A, [-1], True),
    (aten.sum.dim_IntList, A, [1, 2]),
    (aten.mean.default, A),
    (aten.amax.default, A),
    (aten.cat.default, [A, A[:, :1].contiguous()], 1),
    (aten.contiguous.default, SWAPPED),
    (aten.clone.default, A),
    (aten.scaled_dot_product_attention.default, A, A[:, :, :2], A[:, :, :2]),
    (aten.scaled_dot_product_attention.default, SWAPPED, SWAPPED, SWAPPED),
    (aten.reshape.default, A, [6, -1]),
    (aten.view.default, A, [2, -1]),
    (aten.permute.default, A, [0, 2, 3, 1]),
    (aten.slice.Tensor, A, 1, 1),
    (aten.select.int, A, 1, 1),
    (aten.split.Tensor, A, 2, 2),
    (aten.expand.default, C, [3, 4, 5]),
    (aten.unsqueeze.default, A, -1),
    (aten.reshape_as.default, A, B),
    (aten.expand_as.default, C, A[:, :, :4]),
    (aten.batch_norm.default, A, None, None, None, None, True, 0.1, 1e-5, False),
]

KERNELS: list[tuple[Any, ...]] = [
    (aten.add.Tensor, A, A.double()),
    (aten.add.Tensor, INTS, 1.5),
    (aten.add.Tensor, INTS, INTS.to(torch.int32)),
    (aten.add.Tensor, A, A.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)),
    (aten.mul.Tensor, A, 1j),
    (aten.add.Tensor, SWAPPED, SWAPPED),
    (aten.add.Tensor, LAST, BIAS[:3, None, None]),
    (aten.mul.Tensor, BIAS[0], LAST),
    (aten.relu.default, A[:, :, ::2]),
    (aten.sigmoid.default, INTS),
    (aten.eq.Tensor, LAST, A),
    (aten.bitwise_and.Tensor, INTS, INTS),
    (aten.logical_not.default, INTS),
    (aten.cat.default, [A, A.double()], 1),
    (aten.cat.default, [LAST, LAST], 1),
    (aten.masked_fill.Scalar, INTS, MASK[0, 0, 0, :3], 1),
    (aten.addmm.default, BIAS[:5], INTS.float()[:, : 4 - 1], torch.rand(3, 5)),
    (aten.mm.default, C, C.t()),
    (aten.bmm.default, A[0], B[0]),
    (aten.cumsum.default, INTS, 1),
    (aten.tril.default, C, 1),
]

LEFT: list[tuple[Any, ...]] = [
    (aten.linear.default, A, torch.rand(7, 4)),
    (aten.matmul.default, A, A),
    (aten.layer_norm.default, A, [4]),
    (aten.softmax.int, A, 9),
    (aten.softmax.int, A, -1, torch.float64),
    (aten.dropout.default, A, 0.5, True),
    (aten.conv2d.default, LAST, W),
    (aten.conv2d.default, A[:, :2].contiguous(), W),
    (aten.conv2d.default, A[:, :, :1, :1].contiguous(), W),
    (aten._convolution.default, A, W[:3], None, *WINDOW, True, [0, 0], 1, *[False] * 4),
    (aten.sum.default, INTS),
    (aten.mean.default, A, torch.float64),
    (aten.scaled_dot_product_attention.default, A, A[:, :1], A[:, :1]),
    (aten.sort.default, A),
]


def quick(fakes: Fakes, func: Any, *args: Any) -> Any:
    """What is said of a call without torch's own way."""
    made = by_rule(fakes, func, args, {})
    return by_kernel(fakes, func, args, {}) if made is NotImplemented else made


def tried(func: Any, *args: Any) -> tuple[Any, Callable[[], Any]]:
    """What is said of a call on fake tensors, and what torch does on real ones."""
    fakes = Fakes(FakeTensorMode())
    faked = pytree.tree_map_only(torch.Tensor, fakes.mode.from_tensor, list(args))
    return quick(fakes, func, *faked), lambda: func(*args)


def shown(result: Any) -> list[Any]:
    held = result if isinstance(result, list | tuple) else [result]
    return [(one.shape, one.stride(), one.dtype, one.device) for one in held]


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: str(case[0]))
def test_plain_cases_are_as_torch_has_them(case: tuple[Any, ...]) -> None:
    result, done = tried(*case)
    assert result is not NotImplemented
    assert shown(result) == shown(done())


@pytest.mark.parametrize("case", LEFT, ids=lambda case: str(case[0]))
def test_other_cases_are_left_to_torch(case: tuple[Any, ...]) -> None:
    assert tried(*case)[0] is NotImplemented


@pytest.mark.parametrize("case", KERNELS, ids=lambda case: str(case[0]))
def test_what_the_rules_leave_a_kernel_says(case: tuple[Any, ...]) -> None:
    func, *args = case
    fakes = Fakes(FakeTensorMode())
    faked = pytree.tree_map_only(torch.Tensor, fakes.mode.from_tensor, args)
    assert by_rule(fakes, func, faked, {}) is NotImplemented
    assert shown(by_kernel(fakes, func, faked, {})) == shown(func(*args))


def test_a_weight_needs_no_fake_twin_for_a_rule() -> None:
    fakes = Fakes(FakeTensorMode())
    held = fakes.mode.from_tensor(A)
    made = by_rule(fakes, aten.conv2d.default, (held, W, BIAS), {})
    assert shown(made) == shown(aten.conv2d.default(A, W, BIAS))
    func = aten.dropout.default  # which would give the weight itself
    assert by_rule(fakes, func, (W, 0.5, False), {}) is NotImplemented


def test_a_fake_tensor_is_as_torch_makes_it() -> None:
    fakes = Fakes(FakeTensorMode())
    torchs, more = fakes.mode.from_tensor(LAST), LAST + 1
    for _ in range(2):
        made = fakes.empty(LAST.shape, LAST.stride(), LAST.dtype, LAST.device)
        assert type(made) is type(torchs)
        assert vars(made).keys() == vars(torchs).keys()
        assert shown(made) == shown(torchs)
        with fakes.mode:
            assert shown(made + 1) == shown(more)


def test_views_share_the_memory_that_is_not_there() -> None:
    fakes = Fakes(FakeTensorMode())
    held = fakes.mode.from_tensor(A)
    viewed = quick(fakes, aten.view.default, held, [2, -1])
    assert viewed.untyped_storage()._cdata == held.untyped_storage()._cdata


def test_what_writes_in_place_gives_its_operand() -> None:
    fakes = Fakes(FakeTensorMode())
    held, small = fakes.mode.from_tensor(A.clone()), fakes.mode.from_tensor(C.clone())
    for func, args in [(aten.relu_.default, [held]), (aten.add_.Tensor, [held, small])]:
        assert quick(fakes, func, *args) is held
    assert quick(fakes, aten.add_.Tensor, small, held) is NotImplemented


def test_every_rule_is_of_an_op_that_torch_has() -> None:
    assert all(hasattr(aten, name) for name in RULES)
