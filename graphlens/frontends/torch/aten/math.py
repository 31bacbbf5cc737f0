"""Rows of the aten table: elementwise arithmetic, comparison, activation."""

from __future__ import annotations

from typing import Any

from graphlens.frontends.torch.call import TABLE, Call, Row, row
from graphlens.ir.node import Value

_FLOAT_UNARY = {
    "acos": "Acos", "acosh": "Acosh", "asin": "Asin", "asinh": "Asinh", "atan": "Atan",
    "atanh": "Atanh", "cos": "Cos", "cosh": "Cosh", "erf": "Erf", "special_erf": "Erf",
    "exp": "Exp", "log": "Log", "reciprocal": "Reciprocal", "sigmoid": "Sigmoid",
    "special_expit": "Sigmoid", "sin": "Sin", "sinh": "Sinh", "sqrt": "Sqrt", "tan": "Tan",
    "tanh": "Tanh", 
}  # fmt: skip
"""Unary ops of floats; torch computes integers in the default float type."""

_UNARY = {
    "neg": "Neg", "negative": "Neg", "_neg_view": "Neg", "sign": "Sign", "sgn": "Sign",
    "relu": "Relu", "bitwise_not": "BitwiseNot", "mish": "Mish", "hardswish": "HardSwish",
}  # fmt: skip

_ROUNDING = {"ceil": "Ceil", "floor": "Floor", "round": "Round"}
"""Roundings: of an integer they are the integer itself."""

_IDENTITY = (
    "alias clone contiguous detach lift lift_fresh lift_fresh_copy positive view_as_real_copy "
    "detach_copy alias_copy resolve_conj resolve_neg _conj_physical conj_physical conj"
)

_COMPARE = {
    "eq": "Equal", "lt": "Less", "le": "LessOrEqual", "gt": "Greater", "ge": "GreaterOrEqual",
    "less": "Less", "less_equal": "LessOrEqual", "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
}  # fmt: skip

_LOGICAL = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}
_BITWISE = {
    "bitwise_and": ("And", "BitwiseAnd"), "bitwise_or": ("Or", "BitwiseOr"),
    "bitwise_xor": ("Xor", "BitwiseXor"), "__and__": ("And", "BitwiseAnd"),
    "__or__": ("Or", "BitwiseOr"), "__xor__": ("Xor", "BitwiseXor"),
}  # fmt: skip


def _float_unary(op: str) -> Row:
    def write(call: Call, x: Value) -> Value:
        return call.emit(op, call.cast(x, call.out.dtype))

    return write


def _plain_unary(op: str) -> Row:
    def write(call: Call, x: Value) -> Value:
        if call.dtype(x) == "bool":
            return call.emit("Not", x) if op == "BitwiseNot" else NotImplemented
        return call.emit(op, x)

    return write


def _rounding(op: str) -> Row:
    def write(call: Call, x: Value) -> Value:
        return call.emit(op, x) if call.type(x).is_floating else call.same(x)

    return write


def _identity(call: Call, x: Value, *_: Any) -> Value:
    return NotImplemented if call.dtype(x).startswith("complex") else call.same(x)


def compare(op: str, negated: bool = False) -> Row:
    """A row that compares two operands in their common dtype."""

    def write(call: Call, x: Value, other: Any) -> Value:
        dtype = call.promote(x, other)
        if dtype == "bool" and op not in ("Equal",):
            dtype = "int32"  # ONNX does not order bools
        operands = call.operand(x, dtype), call.operand(other, dtype)
        if not negated:
            return call.emit(op, *operands)
        return call.emit("Not", call.step(op, *operands, type=call.out))

    return write


def _logical(op: str) -> Row:
    def write(call: Call, x: Value, other: Any) -> Value:
        return call.emit(op, truth(call, x), truth(call, other))

    return write


def _bitwise(ops: tuple[str, str]) -> Row:
    def write(call: Call, x: Any, other: Any) -> Value:
        dtype = call.out.dtype
        op = ops[0] if dtype == "bool" else ops[1]
        return call.emit(op, call.operand(x, dtype), call.operand(other, dtype))

    return write


def truth(call: Call, x: Value) -> Value:
    """Whether each element is not zero."""
    return call.cast(x, "bool")


for _names, _make in (
    (_FLOAT_UNARY, _float_unary),
    (_UNARY, _plain_unary),
    (_ROUNDING, _rounding),
    (_COMPARE, compare),
    (_LOGICAL, _logical),
    (_BITWISE, _bitwise),
):
    for _name, _op in _names.items():
        TABLE[_name] = _make(_op)
for _name in _IDENTITY.split():
    TABLE[_name] = _identity
TABLE["ne"] = TABLE["not_equal"] = compare("Equal", negated=True)


def _arithmetic(call: Call, op: str, x: Any, other: Any) -> Value:
    dtype = call.out.dtype
    if dtype == "bool":
        op = {"Add": "Or", "Mul": "And", "Max": "Or", "Min": "And"}.get(op, op)
    return call.emit(op, call.operand(x, dtype), call.operand(other, dtype))


def _scaled(call: Call, other: Any, alpha: Any) -> Any:
    if alpha == 1:
        return other
    if not isinstance(other, Value):
        return other * alpha
    dtype = call.out.dtype
    held = call.type(other).with_dtype(dtype)
    return call.step("Mul", call.cast(other, dtype), call.number(alpha, dtype), type=held)


@row("add")
def add(call: Call, x: Any, other: Any, alpha: Any = 1) -> Value:
    """Emit ``x + alpha * other``."""
    return _arithmetic(call, "Add", x, _scaled(call, other, alpha))


@row("sub", "subtract")
def _sub(call: Call, x: Any, other: Any, alpha: Any = 1) -> Value:
    return _arithmetic(call, "Sub", x, _scaled(call, other, alpha))


@row("rsub")
def _rsub(call: Call, x: Any, other: Any, alpha: Any = 1) -> Value:
    return _arithmetic(call, "Sub", other, _scaled(call, x, alpha))


@row("mul", "multiply")
def _mul(call: Call, x: Any, other: Any) -> Value:
    return _arithmetic(call, "Mul", x, other)


@row("maximum", "max.other")
def _maximum(call: Call, x: Any, other: Any) -> Value:
    return _arithmetic(call, "Max", x, other)


@row("minimum", "min.other")
def _minimum(call: Call, x: Any, other: Any) -> Value:
    return _arithmetic(call, "Min", x, other)


@row("div", "divide", "true_divide")
def _div(call: Call, x: Any, other: Any, rounding_mode: str | None = None) -> Value:
    if rounding_mode == "floor":
        return _floor_divide(call, x, other)
    if rounding_mode == "trunc":
        dtype = call.out.dtype
        operands = call.operand(x, dtype), call.operand(other, dtype)
        if not call.out.is_floating:
            return call.emit("Div", *operands)  # ONNX's integer division truncates
        quotient = call.step("Div", *operands, type=call.out)
        size = call.step("Floor", call.step("Abs", quotient, type=call.out), type=call.out)
        return call.emit("Mul", size, call.step("Sign", quotient, type=call.out))
    return _arithmetic(call, "Div", x, other)


@row("floor_divide")
def _floor_divide(call: Call, x: Any, other: Any) -> Value:
    dtype = call.out.dtype
    a, b = call.operand(x, dtype), call.operand(other, dtype)
    if call.out.is_floating:
        return call.emit("Floor", call.step("Div", a, b, type=call.out))
    if dtype.startswith("u"):
        return call.emit("Div", a, b)
    # (a - a mod b) / b, exact, with Python's sign of the remainder
    rest = call.step("Mod", a, b, type=call.out)
    return call.emit("Div", call.step("Sub", a, rest, type=call.out), b)


@row("remainder")
def _remainder(call: Call, x: Any, other: Any) -> Value:
    dtype = call.out.dtype
    a, b = call.operand(x, dtype), call.operand(other, dtype)
    if not call.out.is_floating:
        return call.emit("Mod", a, b)
    quotient = call.step("Floor", call.step("Div", a, b, type=call.out), type=call.out)
    return call.emit("Sub", a, call.step("Mul", quotient, b, type=call.out))


@row("fmod")
def _fmod(call: Call, x: Any, other: Any) -> Value:
    return call.emit(
        "Mod", call.operand(x, call.out.dtype), call.operand(other, call.out.dtype), fmod=1
    )


@row("pow", "float_power")
def _pow(call: Call, x: Any, exponent: Any) -> Value:
    dtype = call.out.dtype
    return call.emit("Pow", call.operand(x, dtype), call.operand(exponent, dtype))


@row("square")
def _square(call: Call, x: Value) -> Value:
    held = call.cast(x, call.out.dtype)
    return call.emit("Mul", held, held)


@row("rsqrt")
def _rsqrt(call: Call, x: Value) -> Value:
    root = call.step("Sqrt", call.cast(x, call.out.dtype), type=call.out)
    return call.emit("Reciprocal", root)


@row("abs", "absolute")
def _abs(call: Call, x: Value) -> Value:
    return call.emit("Abs", x) if call.dtype(x) == call.out.dtype else NotImplemented
