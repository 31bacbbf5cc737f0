"""Rules for the results of ops on fake tensors: what torch itself gives, or no answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402
from torch.utils import _pytree as pytree  # noqa: E402

from graphlens.frontends.torch_quick import quick  # noqa: E402
from graphlens.frontends.torch_quick_rules import RULES  # noqa: E402
from graphlens.frontends.torch_signature import signature  # noqa: E402

pytestmark = pytest.mark.torch
aten = torch.ops.aten
A, B, C = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 5, 4), torch.rand(4, 5)
SWAPPED = A.transpose(1, 2)
LAST = A.to(memory_format=torch.channels_last)
MASK = A > 0.5
INTS = torch.arange(6).reshape(2, 3)
W, BIAS = torch.rand(6, 3, 3, 3), torch.rand(6)
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
]

LEFT: list[tuple[Any, ...]] = [
    (aten.add.Tensor, A, A.double()),
    (aten.add.Tensor, INTS, 1.5),
    (aten.add.Tensor, A, SWAPPED.transpose(1, 3)),
    (aten.mul.Tensor, A, 1j),
    (aten.add.Tensor, SWAPPED, SWAPPED),
    (aten.linear.default, A, torch.rand(7, 4)),
    (aten.matmul.default, A, A),
    (aten.layer_norm.default, A, [4]),
    (aten.softmax.int, A, 9),
    (aten.softmax.int, A, -1, torch.float64),
    (aten.dropout.default, A, 0.5, True),
    (aten.conv2d.default, LAST, W),
    (aten.conv2d.default, A[:, :2].contiguous(), W),
    (aten.conv2d.default, A[:, :, :1, :1].contiguous(), W),
    (aten.sum.default, INTS),
    (aten.mean.default, A, torch.float64),
    (aten.cat.default, [A, C]),
    (aten.masked_fill.Scalar, C, MASK, 1.0),
    (aten.scaled_dot_product_attention.default, A, A[:, :1], A[:, :1]),
    (aten.sort.default, A),
]


def tried(func: Any, *args: Any) -> tuple[Any, Callable[[], Any]]:
    """What the rules say of a call on fake tensors, and what torch does on real ones."""
    fake = FakeTensorMode()
    faked = pytree.tree_map_only(torch.Tensor, fake.from_tensor, list(args))
    return quick(fake, func, signature(func), faked, {}), lambda: func(*args)


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


def test_views_share_the_memory_that_is_not_there() -> None:
    fake = FakeTensorMode()
    held = fake.from_tensor(A)
    viewed = quick(fake, aten.view.default, signature(aten.view.default), [held, [2, -1]], {})
    assert viewed.untyped_storage()._cdata == held.untyped_storage()._cdata


def test_what_writes_in_place_gives_its_operand() -> None:
    fake = FakeTensorMode()
    held, small = fake.from_tensor(A.clone()), fake.from_tensor(C.clone())
    for func, args in [(aten.relu_.default, [held]), (aten.add_.Tensor, [held, small])]:
        assert quick(fake, func, signature(func), args, {}) is held
    func = aten.add_.Tensor
    assert quick(fake, func, signature(func), [small, held], {}) is NotImplemented


def test_every_rule_is_of_an_op_that_torch_has() -> None:
    assert all(hasattr(aten, name) for name in RULES)
