"""A TorchScript archive as plain data: its objects, weights mapped into memory, source parsed."""

from __future__ import annotations

import ast
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from graphlens.errors import FormatError
from graphlens.frontends.pickle_read import Built, Calls, Persistent, unpickled
from graphlens.frontends.torch.ranges import Ranges, ranges_of

_DTYPES = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool, "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128,
}  # fmt: skip
_SWELL, _SMALL = 200, 1 << 20
"""How much larger than its packed form a member may be, and from which size that is asked."""
_HEADER = 30
"""Bytes of a zip member's own header before its name (PKWARE's APPNOTE, section 4.3.7)."""


@dataclass(slots=True)
class Code:
    """A function or method of the archive.

    Attributes:
        node: Its definition.
        ranges: The user's line of each place in its file.
        name: Its qualified name.
    """

    node: ast.FunctionDef
    ranges: Ranges
    name: str


@dataclass(slots=True)
class Archive:
    """What a TorchScript file holds.

    Attributes:
        root: The module that was saved.
        constants: Tensors that the source names by their index.
        functions: Free functions by qualified name, methods by that of the class and theirs.
        fields: Names of the fields of classes in the order of their arguments.
    """

    root: Built
    constants: Sequence[Any]
    functions: dict[str, Code] = field(default_factory=dict)
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)


def read_archive(path: Path) -> Archive:
    """The content of a TorchScript file; nothing in it is executed.

    Raises:
        FormatError: If it is damaged or no TorchScript.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _Reader(path, archive).read()
    except (
        zipfile.BadZipFile,
        OSError,
        KeyError,
        EOFError,
        ValueError,
        RuntimeError,  # a member that is encrypted, or packed in a way that is not known
        zlib.error,
    ) as error:
        raise FormatError(
            f"{str(path)!r} holds no TorchScript that can be read: {error}"
        ) from error


class _Reader:
    """Reads one archive."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._archive = path, archive
        names = archive.namelist()
        self._top = next((n[: -len("data.pkl")] for n in names if n.endswith("data.pkl")), "")
        self._members = {info.filename: info for info in archive.infolist()}
        self._memory: dict[tuple[str, str], torch.Tensor] = {}

    def read(self) -> Archive:
        root = self._pickle("data.pkl", "data")
        if not isinstance(root, Built):
            raise FormatError(f"{str(self._path)!r} holds a {type(root).__name__}, no module")
        found = Archive(root, self._pickle("constants.pkl", "constants"))
        for name in sorted(self._members):
            if name.startswith(f"{self._top}code/") and name.endswith(".py"):
                self._module(name, found)
        return found

    def _pickle(self, name: str, folder: str) -> Any:
        where = f"{str(self._path)!r} {name}"
        known = calls(lambda *one: self._tensor(folder, *one))
        return unpickled(self._content(self._top + name), known, where)

    def _tensor(
        self, folder: str, storage: Any, offset: int, size: Any, stride: Any, *_: Any
    ) -> torch.Tensor:
        if not isinstance(storage, Persistent) or len(storage.key) != 5:
            raise FormatError(f"{str(self._path)!r}: a tensor without a storage")
        _, kind, key, _, count = storage.key
        dtype = _DTYPES.get(kind.name.removeprefix("torch."))
        if dtype is None:
            raise FormatError(f"{str(self._path)!r}: a tensor of {kind.name} is not read")
        size, stride = tuple(map(int, size)), tuple(map(int, stride))
        ends = sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        low = min([offset, *stride, *size], default=0)
        if low < 0 or (0 not in size and offset + ends >= count):
            raise FormatError(f"{str(self._path)!r}: a tensor lies outside of its storage {key}")
        whole = self._storage(folder, str(key), dtype, int(count))
        return whole.as_strided(size, stride, int(offset))

    def _storage(self, folder: str, key: str, dtype: torch.dtype, count: int) -> torch.Tensor:
        held = self._memory.get((folder, key))
        if held is None:
            held = self._memory[folder, key] = self._mapped(f"{self._top}{folder}/{key}")
        size = count * dtype.itemsize
        if held.numel() < size:
            raise FormatError(f"{str(self._path)!r}: storage {key} is cut off")
        return held[:size].view(dtype)

    def _mapped(self, name: str) -> torch.Tensor:
        """A member's bytes: mapped, for they are stored as they are."""
        info = self._members[name]
        if not info.file_size:
            return torch.empty(0, dtype=torch.uint8)
        if info.compress_type != zipfile.ZIP_STORED:
            return torch.frombuffer(bytearray(self._content(name)), dtype=torch.uint8)
        with self._path.open("rb") as file:
            file.seek(info.header_offset)
            header = file.read(_HEADER)
        start = (
            info.header_offset
            + _HEADER
            + sum(int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
        )
        held = np.memmap(self._path, np.uint8, "c", start, (info.file_size,))
        return torch.from_numpy(held)

    def _content(self, name: str) -> bytes:
        """A member's bytes, unless it swells far beyond what the file holds of it."""
        info = self._members[name]
        if info.file_size > _SWELL * info.compress_size + _SMALL:
            raise FormatError(
                f"{str(self._path)!r}: {name} says that {info.compress_size} bytes of it hold "
                f"{info.file_size}: it is not unpacked"
            )
        return self._archive.read(name)

    def _module(self, name: str, found: Archive) -> None:
        """The classes and functions of one source file."""
        text = self._content(name).decode()
        prefix = name[len(self._top) + len("code/") : -len(".py")].replace("/", ".")
        debug = f"{name}.debug_pkl"
        ranges = Ranges(text, ())
        if debug in self._members:
            ranges = ranges_of(text, self._content(debug), f"{str(self._path)!r} {debug}")
        try:
            tree = ast.parse(text)
        except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
            raise FormatError(f"{str(self._path)!r}: {name} is no TorchScript: {error}") from error
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                full = f"{prefix}.{node.name}"
                found.functions[full] = Code(node, ranges, full)
            elif isinstance(node, ast.ClassDef):
                self._class(node, f"{prefix}.{node.name}", ranges, found)

    def _class(self, node: ast.ClassDef, full: str, ranges: Ranges, found: Archive) -> None:
        fields: dict[str, Any] = {}
        for one in node.body:
            if isinstance(one, ast.FunctionDef):
                name = f"{full}.{one.name}"
                found.functions[name] = Code(one, ranges, name)
            elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                fields[one.target.id] = one.value
        found.fields[full] = fields


def _same(one: Any, *_: Any) -> Any:
    return one


def calls(tensor: Any) -> Calls:
    """The functions that rebuild tensors, on data."""
    lists = {f"torch.jit._pickle.build_{kind}list": _same for kind in _LISTED}
    return {
        "torch._utils._rebuild_tensor_v2": tensor,
        "torch._utils._rebuild_parameter": _same,
        "torch.jit._pickle.restore_type_tag": _same,
        "collections.OrderedDict": lambda *_: {},
        "torch.device": lambda *one: ":".join(map(str, one)),
        **lists,
    }


_LISTED = ("int", "double", "bool", "tensor")


def paths_of(root: Built) -> Mapping[int, str]:
    """The path of every module inside a module, by its identity."""
    found: dict[int, str] = {}
    waiting = [("", root)]
    while waiting:
        path, held = waiting.pop()
        if id(held) in found:
            continue
        found[id(held)] = path
        for name, one in reversed(held.state.items()):
            if isinstance(one, Built):
                waiting.append((f"{path}.{name}" if path else name, one))
    return found
