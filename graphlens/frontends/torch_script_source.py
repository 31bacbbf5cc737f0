"""Running TorchScript's source statement by statement, so that a recorder sees its aten calls."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from graphlens.errors import CaptureError, FormatError
from graphlens.frontends.pickle_read import Built
from graphlens.frontends.torch_archive import Archive, Code
from graphlens.frontends.torch_regions import ScriptRecorder, is_unknown
from graphlens.frontends.torch_script_call import BUILTINS, aten, prim
from graphlens.frontends.torch_script_names import assigned, dotted
from graphlens.frontends.torch_values import UNSET

_DEEPEST = 60
"""Calls inside of calls that are followed."""
_LONGEST = 10**6
"""Statements that are followed: a file from strangers may go round for ever."""


class Function:
    """A function of the archive as a value."""

    __slots__ = ("code", "owner")

    def __init__(self, code: Code, owner: Any = None) -> None:
        """A free function, or the method of an object."""
        self.code, self.owner = code, owner


class Program:
    """Runs functions of an archive on fake tensors.

    Attributes:
        recorder: What sees the aten calls; told of the scope and line of each.
    """

    def __init__(
        self, recorder: ScriptRecorder, archive: Archive, paths: Mapping[int, str]
    ) -> None:
        """A runner of an archive whose modules have these paths."""
        self.recorder = recorder
        self._archive = archive
        self._paths = paths
        self._places: list[tuple[str, int]] = []
        self._done = 0

    def call(self, code: Code, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Run a function.

        Raises:
            CaptureError: If it raises, or does what a graph cannot say.
        """
        if len(self._places) > _DEEPEST:
            raise CaptureError(f"{code.name} calls itself without end")
        path = self._paths.get(id(args[0])) if args and isinstance(args[0], Built) else None
        recorder = self.recorder
        recorder.scope.append(recorder.scope[-1] if path is None else path)
        self._places.append(recorder.line or ("", 0))
        try:
            frame = _Frame(self, code, self._bound(code, args, kwargs))
            return frame.run()
        finally:
            self._places.pop()
            recorder.scope.pop()

    def _bound(self, code: Code, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        formals = code.node.args
        names = [one.arg for one in (*formals.args, *formals.kwonlyargs)]
        given = dict(zip(names, args, strict=False)) | dict(kwargs)
        defaults = [None] * (len(formals.args) - len(formals.defaults)) + list(formals.defaults)
        constants = _Frame(self, code, {})
        for name, default in zip(names, [*defaults, *formals.kw_defaults], strict=True):
            if name not in given:
                if default is None:
                    raise CaptureError(f"{code.name}: input {name!r} is missing")
                given[name] = constants.value(default)
        return given

    def step(self, code: Code) -> None:
        """Count a statement.

        Raises:
            CaptureError: If there have been too many.
        """
        self._done += 1
        if self._done > _LONGEST:
            raise CaptureError(f"{code.name} goes on for more than {_LONGEST} statements")

    def outer_place(self) -> tuple[str, int]:
        """The line of the innermost caller that is the user's."""
        return next((one for one in reversed(self._places) if one[0]), ("", 0))

    def named(self, name: str) -> Any:
        """What a qualified name of the archive stands for: a function or a class."""
        found = self._archive.functions.get(name)
        if found is not None:
            return Function(found)
        if name in self._archive.fields:
            return name
        raise FormatError(f"the archive has no code of {name!r}")

    def constant(self, name: str) -> Any:
        """A tensor that the source names (``'c0'``)."""
        return self._archive.constants[int(name.removeprefix("c"))]

    def method(self, owner: Built, name: str) -> Function:
        """A method of an object."""
        found = self._archive.functions.get(f"{owner.kind}.{name}")
        if found is None:
            raise FormatError(f"the archive has no code of {owner.kind}.{name}")
        return Function(found, owner)

    def attribute(self, owner: Built, name: str) -> Any:
        """An attribute of an object: saved with it, or a constant of its class."""
        if name in owner.state:
            return owner.state[name]
        constant = self._archive.fields.get(owner.kind, {}).get(name)
        if constant is not None:
            return ast.literal_eval(constant)
        raise FormatError(f"{owner.kind} has no attribute {name!r}")

    def made(self, kind: str, args: Sequence[Any]) -> Any:
        """An object of a class of the archive: a named tuple, or what its initialiser makes."""
        initialiser = self._archive.functions.get(f"{kind}.__init__")
        if initialiser is None:
            return tuple(args)
        held = Built(kind)
        self.call(initialiser, [held, *args], {})
        return held


class _Frame:
    """One call: its variables."""

    def __init__(self, program: Program, code: Code, env: dict[str, Any]) -> None:
        self._program, self._code, self.env = program, code, env

    def run(self) -> Any:
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
        inner = _Frame(self._program, self._code, dict(self.env))
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
            inner = _Frame(self._program, self._code, {**self.env})
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
_STATEMENTS: dict[str, Callable[[_Frame, Any], None]] = {
    "Assign": _Frame._assign,
    "Expr": _Frame._expression,
    "If": _Frame._if,
    "While": _Frame._while,
    "For": _Frame._for,
    "Pass": _Frame._nothing,
    "With": _Frame._with,
}
_EXPRESSIONS: dict[str, Callable[[_Frame, Any], Any]] = {
    "Constant": _Frame._constant,
    "Name": _Frame._name,
    "UnaryOp": _Frame._unary,
    "List": _Frame._list,
    "Tuple": _Frame._tuple,
    "Dict": _Frame._dict,
    "IfExp": _Frame._choice,
    "Subscript": _Frame._subscript,
    "Attribute": _Frame._attribute,
    "Call": _Frame._call,
}
