"""TensorFlow's ops that change variables: a Graph has no state, so each makes the new values.

What reads the variable later in the program reads those; a step of training returns them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from graphlens.frontends.tf.call import Operand, attributes, materialise
from graphlens.frontends.tf.types import body_of, dtype_name, is_variable
from graphlens.ir.node import Value
from graphlens.ops.build import Builder

if TYPE_CHECKING:
    from graphlens.frontends.tf.importer import Frame, Importer

ASSIGNS = frozenset({"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"})
REF_ASSIGNS = frozenset({"Assign", "AssignAdd", "AssignSub"})
_APPLIED = (
    "ResourceApply", "ResourceSparseApply", "ResourceScatter", "Apply", "SparseApply", "Scatter",
)  # fmt: skip


def is_update(op: Any) -> bool:
    """Whether an op changes a variable."""
    if op.type in ASSIGNS or op.type in REF_ASSIGNS:
        return True
    return op.type.startswith(_APPLIED) and bool(_variables(op))


def changes(op: Any) -> list[Any]:
    """The tensors that carry the variables that an update changes."""
    return [op.inputs[index] for index in _variables(op)]


def _variables(op: Any) -> list[int]:
    """Which operands are variables."""
    return [index for index, tensor in enumerate(op.inputs) if is_variable(tensor)]


class Writes:
    """Which operands of an op it changes as variables, itself or in the functions that it runs."""

    def __init__(self) -> None:
        """Nothing has been looked at yet."""
        self._known: dict[str, frozenset[int]] = {}

    def of(self, graph: Any, op: Any) -> list[int]:
        """The operands of an op of ``graph``, by place."""
        if is_update(op):
            return _variables(op)
        if not any(dtype_name(tensor) == "resource" for tensor in op.inputs):
            return []
        first = 1 if op.type in _CHOICES else 0
        places = {first + place for name in _bodies(op) for place in self._of_body(graph, name)}
        return sorted(places)

    def _of_body(self, graph: Any, name: str) -> frozenset[int]:
        if name not in self._known:
            body = body_of(graph, name)
            changed = {
                op.inputs[place].name for op in body.get_operations() for place in self.of(body, op)
            }
            held = enumerate(body.inputs)
            self._known[name] = frozenset(place for place, t in held if t.name in changed)
        return self._known[name]


_CHOICES = frozenset({"If", "StatelessIf", "Case", "StatelessCase"})
_BODIES = ("f", "then_branch", "else_branch", "cond", "body")


def _bodies(op: Any) -> list[str]:
    """Names of the functions that an op runs."""
    known = op.op_def.attr
    names = [entry.name for entry in known if entry.type == "func" and entry.name in _BODIES]
    found = [op.get_attr(name).name for name in names]
    if op.type in ("Case", "StatelessCase"):
        found += [branch.name for branch in op.get_attr("branches")]
    return found


def update(
    importer: Importer, op: Any, operands: Sequence[Operand], frame: Frame, name: str
) -> list[Operand]:
    """Write what an update makes of its variables, which from now on read as that.

    Args:
        importer: What it is written with.
        op: The update.
        operands: The variables' values and what is made of them.
        frame: What the tensors became; the variables' change.
        name: The node's name.

    Returns:
        The op's results: of TF1's references the new value.
    """
    builder = importer.builder
    if op.type in ASSIGNS | REF_ASSIGNS:
        made = [_assigned(builder, op, operands, name)]
    else:
        values = [materialise(builder, operand) for operand in operands]
        rule = _RULES.get(op.type.removeprefix("Resource"))
        step = _Step(builder, op, values, name)
        made = _foreign(importer, op, values, name) if rule is None else rule(step)
    for index, value in zip(_variables(op), made, strict=False):
        frame[op.inputs[index].name] = value
    return made[: len(op.outputs)]


def _assigned(builder: Builder, op: Any, operands: Sequence[Operand], name: str) -> Operand:
    kind = op.type.removeprefix("Assign").removesuffix("VariableOp")
    held, change = operands
    if not kind:
        return change
    return builder.op(kind, materialise(builder, held), materialise(builder, change), name=name)


def _foreign(importer: Importer, op: Any, values: list[Value], name: str) -> list[Operand]:
    """TF's own op, on resources: its results are what the variables become."""
    kind = op.type if op.type.startswith("Resource") else f"Resource{op.type}"
    builder = importer.builder
    first = builder.op(
        kind,
        *values,
        results=[builder.type_of(values[index]) for index in _variables(op)],
        domain="tf",
        name=name,
        **attributes(op),
    )
    return [Value(first.node, index) for index in range(len(_variables(op)))]


# -- optimisers -----------------------------------------------------------------------------


class _Step:
    """The arithmetic of one update."""

    def __init__(self, builder: Builder, op: Any, values: list[Value], name: str) -> None:
        self.source, self.values, self._builder, self._name = op, values, builder, name

    def make(self, op: str, *operands: Value, last: bool = False) -> Value:
        name = self._name if last else f"{self._name}.{op.lower()}"
        return self._builder.op(op, *operands, name=name)

    def mul(self, x: Value, y: Value) -> Value:
        return self.make("Mul", x, y)

    def rest(self, x: Value) -> Value:
        """1 - x."""
        one = self._builder.const(1, self._builder.type_of(x).dtype)
        return self.make("Sub", one, x)

    def towards(self, old: Value, new: Value, keep: Value) -> Value:
        """A running mean: ``keep`` of the old, the rest of the new."""
        return self.make("Add", self.mul(keep, old), self.mul(self.rest(keep), new))


def _descent(step: _Step) -> list[Operand]:
    variable, rate, gradient = step.values
    return [step.make("Sub", variable, step.mul(rate, gradient), last=True)]


def _momentum(step: _Step) -> list[Operand]:
    variable, gathered, rate, gradient, momentum = step.values
    gathered = step.make("Add", step.mul(gathered, momentum), gradient)
    change = step.mul(rate, gathered)
    if step.source.get_attr("use_nesterov"):
        ahead = step.mul(step.mul(gathered, momentum), rate)
        change = step.make("Add", step.mul(gradient, rate), ahead)
    return [step.make("Sub", variable, change, last=True), gathered]


def _adam(step: _Step) -> list[Operand]:
    """Kingma and Ba, arXiv:1412.6980, as at the end of section 2; operands in TF's order."""
    variable, first, second, power1, power2, rate, keep1, keep2, epsilon, gradient = step.values
    square = step.mul(gradient, gradient)
    first = step.towards(first, gradient, keep1)
    second = step.towards(second, square, keep2)
    root = step.make("Sqrt", step.rest(power2))
    scaled = step.mul(rate, step.make("Div", root, step.rest(power1)))
    mean = step.towards(gradient, first, step.rest(keep1)) if _is_nesterov(step) else first
    below = step.make("Add", step.make("Sqrt", second), epsilon)
    change = step.make("Div", step.mul(scaled, mean), below)
    return [step.make("Sub", variable, change, last=True), first, second]


def _is_nesterov(step: _Step) -> bool:
    return bool(step.source.get_attr("use_nesterov"))


_RULES: dict[str, Callable[[_Step], list[Operand]]] = {
    "ApplyGradientDescent": _descent,
    "ApplyMomentum": _momentum,
    "ApplyAdam": _adam,
}
"""Optimisers in ONNX's vocabulary, by TF op type; all others stay TF's."""
