"""One call of a function of TorchScript's source: its variables, statements and expressions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from graphlens.errors import CaptureError, FormatError
from graphlens.frontends.pickle_read import Built
from graphlens.frontends.torch.archive import Code
from graphlens.frontends.torch.regions import is_unknown
from graphlens.frontends.torch.script.call import BUILTINS, CONTEXTS, aten, prim
from graphlens.frontends.torch.script.names import assigned, dotted
from graphlens.frontends.torch.values import UNSET

if TYPE_CHECKING:
    from graphlens.frontends.torch.script.source import Program


class Function:
    """A function of the archive as a value."""

    __slots__ = ("code", "owner")

    def __init__(self, code: Code, owner: Any = None) -> None:
        """A free function, or the method of an object."""
        self.code, self.owner = code, owner


class Frame:
    """One call: its variables.

    Attributes:
        env: Their values.
    """

    def __init__(self, program: Program, code: Code, env: dict[str, Any]) -> None:
        """A call of ``code`` with its arguments in ``env``."""
        self._program, self._code, self.env = program, code, env

    def run(self) -> Any:
        """What the call returns.

        Raises:
            CaptureError: If it does what a graph cannot say.
        """
        return self.block(self._code.node.body)

    def block(self, body: Sequence[ast.stmt]) -> Any:
        """Run statements; the value of the return that ends them, if one does."""
        for statement in body:
            self._program.step(self._code)
            if isinstance(statement, ast.Return):
                return None if statement.value is None else self.value(statement.value)
            handler = _STATEMENTS.get(type(statement).__name__)
            if handler is None:
                raise self._odd(statement)
            handler(self, statement)
        return None

    def _odd(self, node: ast.AST) -> CaptureError:
        return CaptureError(
            f"{self._code.name}: TorchScript's {type(node).__name__} cannot be captured: "
            f"{ast.unparse(node)[:120]}"
        )

    def _assign(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        for target in node.targets:
            self._bind(target, value)

    def _bind(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self.env[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            for part, one in zip(target.elts, value, strict=True):
                self._bind(part, one)
        elif isinstance(target, ast.Subscript):
            self.value(target.value)[self.value(target.slice)] = value
        elif isinstance(target, ast.Attribute):
            self.value(target.value).state[target.attr] = value
        else:
            raise self._odd(target)

    def _expression(self, node: ast.Expr) -> None:
        self.value(node.value)

    def _annotated(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._bind(node.target, self.value(node.value))

    def _closure(self, node: ast.FunctionDef) -> None:
        """What is forked: a function of no arguments that reads the variables around it."""
        self.env[node.name] = lambda: Frame(self._program, self._code, dict(self.env)).block(
            node.body
        )

    def _nothing(self, node: ast.stmt) -> None:
        """A pass."""

    def _with(self, node: ast.With) -> None:
        self.block(node.body)  # no_grad and the like: nothing of it is in a graph

    # -- control flow ---------------------------------------------------------------------------

    def _if(self, node: ast.If) -> None:
        condition = self._truth(self.value(node.test))
        if not isinstance(condition, torch.Tensor):
            self.block(node.body if condition else node.orelse)
            return
        names = sorted(assigned(node.body) & assigned(node.orelse))
        made = self._program.recorder.branch(
            condition,
            lambda: self._apart(node.body, names),
            lambda: self._apart(node.orelse, names),
        )
        self.env.update(zip(names, made, strict=True))

    def _truth(self, value: Any) -> Any:
        """A condition: True or False, or the tensor that it depends on."""
        return value if is_unknown(value) else bool(value)

    def _apart(self, body: Sequence[ast.stmt], names: Sequence[str]) -> list[Any]:
        """Run statements on variables of their own, and return some of them."""
        inner = Frame(self._program, self._code, dict(self.env))
        held = {
            key: (one, list(one)) for key, one in self.env.items() if isinstance(one, list | dict)
        }
        inner.block(body)
        for key, (one, before) in held.items():
            if len(one) != len(before) or any(a is not b for a, b in zip(one, before, strict=True)):
                raise CaptureError(
                    f"{self._code.name}: the list or dict {key!r} is changed where a condition "
                    "depends on data: a graph has no such values"
                )
        return [inner.env.get(name, UNSET) for name in names]

    def _while(self, node: ast.While) -> None:
        while True:
            going = self._truth(self.value(node.test))
            if isinstance(going, torch.Tensor):
                self._loop(node, None, going, None)
                return
            if not going:
                return
            self._program.step(self._code)
            self.block(node.body)

    def _for(self, node: ast.For) -> None:
        items = self.value(node.iter)
        if isinstance(items, torch.Tensor):
            self._loop(node, items, True, node.target)
            return
        for item in items:
            self._bind(node.target, item)
            self._program.step(self._code)
            self.block(node.body)

    def _loop(self, node: ast.While | ast.For, trips: Any, going: Any, target: Any) -> None:
        names = sorted(name for name in assigned(node.body) if name in self.env)

        def body(trip: torch.Tensor, carried: Sequence[Any]) -> tuple[Any, list[Any]]:
            inner = Frame(self._program, self._code, {**self.env})
            inner.env.update(zip(names, carried, strict=True))
            if target is not None:
                inner._bind(target, trip)
            inner.block(node.body)
            after = True if isinstance(node, ast.For) else inner.value(node.test)
            return after, [inner.env[name] for name in names]

        carried = [self.env[name] for name in names]
        made = self._program.recorder.loop(trips, going, body, carried)
        self.env.update(zip(names, made, strict=True))

    # -- expressions ----------------------------------------------------------------------------

    def value(self, node: ast.expr) -> Any:
        """The value of an expression."""
        handler = _EXPRESSIONS.get(type(node).__name__)
        if handler is None:
            raise self._odd(node)
        return handler(self, node)

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _name(self, node: ast.Name) -> Any:
        if node.id in self.env:
            return self.env[node.id]
        if node.id in _NAMES:
            return _NAMES[node.id]
        raise FormatError(f"{self._code.name}: {node.id!r} has no value")

    def _unary(self, node: ast.UnaryOp) -> Any:
        if not isinstance(node.op, ast.USub):
            raise self._odd(node)
        return -self.value(node.operand)

    def _list(self, node: ast.List) -> list[Any]:
        return [self.value(one) for one in node.elts]

    def _tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        return tuple(self.value(one) for one in node.elts)

    def _dict(self, node: ast.Dict) -> dict[Any, Any]:
        keys = [self.value(key) for key in node.keys if key is not None]
        return dict(zip(keys, map(self.value, node.values), strict=True))

    def _choice(self, node: ast.IfExp) -> Any:
        condition = self._truth(self.value(node.test))
        if not isinstance(condition, torch.Tensor):
            return self.value(node.body if condition else node.orelse)
        return self._program.recorder.branch(
            condition, lambda: self.value(node.body), lambda: self.value(node.orelse)
        )

    def _subscript(self, node: ast.Subscript) -> Any:
        return self.value(node.value)[self.value(node.slice)]

    def _attribute(self, node: ast.Attribute) -> Any:
        name = dotted(node)
        if name.startswith("CONSTANTS."):
            return self._program.constant(node.attr)
        if name.startswith("__torch__.") and name.partition(".")[0] not in self.env:
            return self._program.named(name)
        owner = self.value(node.value)
        if isinstance(owner, Built):
            return self._program.attribute(owner, node.attr)
        raise self._odd(node)

    def _call(self, node: ast.Call) -> Any:
        name = dotted(node.func)
        root, _, rest = name.partition(".")
        if root in ("annotate", "unchecked_cast"):
            return self.value(node.args[1])
        if name == "uninitialized":
            return UNSET
        if name == "fork":
            return self.value(node.args[0])()
        if name.endswith(".__new__"):
            return Built(name.removesuffix(".__new__"))
        if name == "isinstance":
            return BUILTINS[name](self.value(node.args[0]), ast.unparse(node.args[1]))
        args = [self.value(one) for one in node.args]
        kwargs = {one.arg or "": self.value(one.value) for one in node.keywords}
        if root not in self.env and (rest or root in BUILTINS):
            found = self._known(node, root, rest, args, kwargs)
            if found is not NotImplemented:
                return found
        return self._own(node, args, kwargs)

    def _known(
        self, node: ast.Call, root: str, rest: str, args: list[Any], kwargs: dict[str, Any]
    ) -> Any:
        """A call of torch's or Python's functions."""
        if root == "torch":
            self._mark(node)
            return aten("aten", rest, args, kwargs)
        if root == "ops":
            domain, _, op = rest.partition(".")
            self._mark(node)
            return prim(op, args) if domain == "prim" else aten(domain, op, args, kwargs)
        return BUILTINS[root](*args) if not rest and root in BUILTINS else NotImplemented

    def _own(self, node: ast.Call, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """A call of the archive's own functions, methods and classes."""
        function = node.func
        if isinstance(function, ast.Attribute) and not dotted(function).startswith("__torch__."):
            owner = self.value(function.value)
            if not isinstance(owner, Built):
                raise self._odd(node)
            if owner.kind.startswith(CONTEXTS):
                return None
            held: Any = self._program.method(owner, function.attr)
        else:
            held = self.value(function)
        self._mark(node)
        if isinstance(held, str):
            return self._program.made(held, args)
        if not isinstance(held, Function):
            raise self._odd(node)
        first = [] if held.owner is None else [held.owner]
        return self._program.call(held.code, [*first, *args], kwargs)

    def _mark(self, node: ast.Call) -> None:
        """Tell the recorder of the user's line."""
        row, column = node.end_lineno or node.lineno, (node.end_col_offset or 1) - 1
        place = self._code.ranges.line(row, column)
        self._program.recorder.line = place if place[0] else self._program.outer_place()


_NAMES = {
    "None": None, "True": True, "False": False, "inf": float("inf"), "nan": float("nan"),
    "infj": complex(0, float("inf")), "nanj": complex(0, float("nan")),
}  # fmt: skip
_STATEMENTS: dict[str, Callable[[Frame, Any], None]] = {
    "Assign": Frame._assign,
    "AnnAssign": Frame._annotated,
    "FunctionDef": Frame._closure,
    "Expr": Frame._expression,
    "If": Frame._if,
    "While": Frame._while,
    "For": Frame._for,
    "Pass": Frame._nothing,
    "With": Frame._with,
}
_EXPRESSIONS: dict[str, Callable[[Frame, Any], Any]] = {
    "Constant": Frame._constant,
    "Name": Frame._name,
    "UnaryOp": Frame._unary,
    "List": Frame._list,
    "Tuple": Frame._tuple,
    "Dict": Frame._dict,
    "IfExp": Frame._choice,
    "Subscript": Frame._subscript,
    "Attribute": Frame._attribute,
    "Call": Frame._call,
}
