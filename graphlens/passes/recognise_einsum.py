"""An Einsum of two operands is a matrix product between transposes and reshapes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from graphlens.ir import Value
from graphlens.ops.build import Builder
from graphlens.rewrite import Match, Rule, op, var
from graphlens.tensor import Dim


@dataclass(frozen=True, slots=True)
class _Product:
    """The labels of an Einsum by the part that they play, each in the order of the result.

    Attributes:
        left: Labels of the operand whose own labels come first in the result.
        right: Labels of the other operand.
        result: Labels of the result.
        swapped: Whether ``left`` is the second operand.
        batch: Labels of both operands and the result.
        summed: Labels of both operands that are not in the result.
        rows: Labels of ``left`` and the result only.
        columns: Labels of ``right`` and the result only.
    """

    left: str
    right: str
    result: str
    swapped: bool
    batch: str
    summed: str
    rows: str
    columns: str


def _product(equation: object) -> _Product | None:
    """The Einsum's parts; None if it is not ``ab..,bc..->..`` with each label once an operand."""
    if not isinstance(equation, str) or "->" not in equation or "." in equation:
        return None
    operands, _, result = equation.replace(" ", "").partition("->")
    left, comma, right = operands.partition(",")
    if not comma or "," in right or any(len(set(s)) < len(s) for s in (left, right, result)):
        return None
    if not set(left) ^ set(right) <= set(result) or not set(result) <= set(left) | set(right):
        return None
    own = [result.index(label) for label in left if label not in right]
    other = [result.index(label) for label in right if label not in left]
    swapped = bool(own and other) and min(own) > min(other)
    if swapped:
        left, right = right, left
    return _Product(
        left,
        right,
        result,
        swapped,
        batch="".join(c for c in result if c in left and c in right),
        summed="".join(c for c in left if c in right and c not in result),
        rows="".join(c for c in result if c not in right),
        columns="".join(c for c in result if c not in left),
    )


def _sizes(m: Match, product: _Product) -> dict[str, Dim] | None:
    """The size of each label, None if the operands disagree or their rank is another."""
    first, second = (m["y"], m["x"]) if product.swapped else (m["x"], m["y"])
    found: dict[str, Dim] = {}
    for labels, value in ((product.left, first), (product.right, second)):
        shape = m.graph.type_of(value).shape
        if shape is None or len(shape) != len(labels):
            return None
        for label, size in zip(labels, shape, strict=True):
            if found.setdefault(label, size) != size:
                return None
    return found


def _fits(m: Match) -> bool:
    product = _product(m.attribute("equation"))
    sizes = None if product is None else _sizes(m, product)
    if product is None or sizes is None or not product.summed:
        return False
    groups = (product.summed, product.rows, product.columns)
    return all(
        len(labels) == 1 or all(isinstance(sizes[label], int) for label in sizes)
        for labels in groups
    )


def _matmul(m: Match, b: Builder) -> Value | None:
    product = _product(m.attribute("equation"))
    sizes = None if product is None else _sizes(m, product)
    if product is None or sizes is None:
        return None
    first, second = (m["y"], m["x"]) if product.swapped else (m["x"], m["y"])
    batch, rows, summed, columns = product.batch, product.rows, product.summed, product.columns
    forms = _Forms(b, sizes, m.root)
    left = forms.arranged(first, product.left, (batch, rows, summed))
    right = forms.arranged(second, product.right, (batch, summed, columns))
    held = m.type().with_shape(
        (*(sizes[label] for label in batch), forms.size(rows), forms.size(columns))
    )
    made = b.op("MatMul", left, right, results=[held], name=m.root)
    return forms.spread(made, (batch, rows, columns), product.result)


@dataclass(frozen=True, slots=True)
class _Forms:
    """Builds the transposes and reshapes around a product; labels stay apart only in a batch."""

    builder: Builder
    sizes: dict[str, Dim]
    name: str

    def size(self, labels: str) -> Dim:
        """The product of the sizes of labels that share an axis."""
        known = [size for label in labels if isinstance(size := self.sizes[label], int)]
        return self.sizes[labels] if len(labels) == 1 else math.prod(known)

    def arranged(self, value: Value, labels: str, parts: tuple[str, str, str]) -> Value:
        """A value as [batch..., part, part]."""
        moved = self._transposed(value, labels, "".join(parts))
        shape = (*(self.sizes[label] for label in parts[0]), *map(self.size, parts[1:]))
        return self._reshaped(moved, shape)

    def spread(self, value: Value, parts: tuple[str, str, str], result: str) -> Value:
        """[batch..., rows, columns] as the result."""
        labels = "".join(parts)
        apart = self._reshaped(value, tuple(self.sizes[label] for label in labels))
        return self._transposed(apart, labels, result)

    def _transposed(self, value: Value, labels: str, wanted: str) -> Value:
        if labels == wanted:
            return value
        perm = tuple(labels.index(label) for label in wanted)
        held = self.builder.type_of(value)
        shape = tuple(self.sizes[label] for label in wanted)
        return self.builder.op(
            "Transpose", value, perm=perm, results=[held.with_shape(shape)], name=self.name
        )

    def _reshaped(self, value: Value, shape: tuple[Dim, ...]) -> Value:
        held = self.builder.type_of(value)
        if held.shape == shape:
            return value
        sizes = self.builder.const([int(dim) for dim in shape], "int64", "shape")
        return self.builder.op(
            "Reshape", value, sizes, results=[held.with_shape(shape)], name=self.name
        )


EINSUM = (
    Rule(
        "einsum-product",
        op("Einsum", var("x"), var("y")),
        _matmul,
        when=_fits,
        comment="Einsum(x, y, 'abc,dbc->bad') -> Transpose(MatMul(Transpose(x), Transpose(y)))",
    ),
)
"""Rules for Einsum."""
