"""What a model file is, told from its first bytes: names lie, and nothing in it is executed."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from graphlens.errors import FormatError, UsageError


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of model file.

    Attributes:
        name: What it is called in messages.
        suffixes: The endings that its files have.
        via: The front end that captures it; ``''`` where what the reader makes decides.
        reader: ``'module:function'`` that makes the framework's object of a path; ``''`` where
            the front end takes the path itself.
        executes: Whether reading it runs code that the file brings along.
    """

    name: str
    suffixes: tuple[str, ...]
    via: str = ""
    reader: str = ""
    executes: bool = False


SAVED = Format("a graph saved by graphlens", (".json",), "", "graphlens.ir.json_form:load")
ONNX = Format("an ONNX model", (".onnx",), "onnx")
EXPORTED = Format("a torch.export archive", (".pt2",), "torch.export")
SCRIPTED = Format("a TorchScript archive", (".pt", ".pth"), "torchscript")
PICKLED = Format(
    "a pickle of torch",
    (".pt", ".pth"),
    "",
    "graphlens.frontends.torch.files:pickled",
    executes=True,
)
FROZEN = Format("a TensorFlow GraphDef", (".pb",), "tf.file")
CAFFE2 = Format("a Caffe2 net", (".pb",), "caffe2")
KERAS = Format("a Keras model", (".keras",), "keras")
SAVED_MODEL = Format("a TensorFlow SavedModel", (), "tf.file")

FORMATS = (SAVED, ONNX, EXPORTED, SCRIPTED, PICKLED, CAFFE2, FROZEN, KERAS)
SUFFIXES = tuple(dict.fromkeys(suffix for each in FORMATS for suffix in each.suffixes))


def looks_like_path(text: str) -> bool:
    """Whether a text names a model file rather than something else that has a name."""
    return text.lower().endswith(SUFFIXES) or Path(text).exists()


def recognise(path: str | Path) -> Format:
    """What the file is: one of the formats that its suffix promises, and that its bytes bear out.

    Raises:
        UsageError: If there is no such file, or its suffix is none that is known.
        FormatError: If it is empty, unreadable, or not what its name says.
    """
    path = Path(path)
    if (path / "saved_model.pb").is_file():
        return SAVED_MODEL
    if (path / "predict_net.pb").is_file():
        return CAFFE2
    head = _head(path)
    promised = [each for each in FORMATS if path.suffix.lower() in each.suffixes]
    if not promised:
        raise UsageError(
            f"cannot tell what {str(path)!r} is by its suffix {path.suffix!r} "
            f"(must be one of {sorted(SUFFIXES)})"
        )
    for each in promised:
        if _CHECKS[each.name](path, head):
            return each
    if _is_saved_model(head):
        raise FormatError(
            f"{str(path)!r} is a part of a TensorFlow SavedModel: give its folder, "
            f"{str(path.parent)!r}, which has the weights too"
        )
    found = next((each.name for each in FORMATS if _CHECKS[each.name](path, head)), "")
    raise FormatError(
        f"{str(path)!r} is not what its name says: expected "
        f"{' or '.join(each.name for each in promised)}, found "
        f"{found or 'something else'} (it begins with {head[:8]!r})"
        + ("" if found else "; it may be truncated or of another program")
    )


def _head(path: Path) -> bytes:
    if path.exists() and not path.is_file() and not path.is_dir():
        raise UsageError(
            f"{str(path)!r} is a pipe or a device, which is read once: expected a file"
        )
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError:
        raise UsageError(f"no such file: {str(path)!r}") from None
    except IsADirectoryError:
        raise UsageError(
            f"{str(path)!r} is a folder without a saved_model.pb or predict_net.pb: expected a file"
        ) from None
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error.strerror}") from error
    if not head:
        raise FormatError(f"{str(path)!r} is empty (0 bytes): expected a model")
    return head


def _members(path: Path, head: bytes) -> tuple[str, ...]:
    """Names in a zip archive, without its top folder; none where it is not one, or is cut off."""
    if not head.startswith(b"PK\x03\x04"):
        return ()
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(name.partition("/")[2] or name for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
        # names that are no text, a version of zip that is none ...
        raise FormatError(
            f"{str(path)!r} is a zip archive that is cut off or damaged ({error}): get it again"
        ) from error


def _is_saved(_: Path, head: bytes) -> bool:
    return head.lstrip()[:1] == b"{"


def _is_onnx(_: Path, head: bytes) -> bool:
    # A ModelProto opens with field 1, ir_version, a varint below 128.
    return head[:1] == b"\x08" and len(head) > 2 and head[1] < 0x80 and not _is_saved_model(head)


def _is_saved_model(head: bytes) -> bool:
    # A SavedModel: schema version 1, then field 2, a MetaGraphDef.
    return head[:3] == b"\x08\x01\x12"


def _is_graph_def(_: Path, head: bytes) -> bool:
    # A GraphDef opens with field 1, a NodeDef, whose field 1 is its name.
    return head[:1] == b"\x0a" and b"\x0a" in head[2:8]


def _is_net_def(_: Path, head: bytes) -> bool:
    # A NetDef opens with field 1, its name, a text, where a GraphDef has a message; then its ops,
    # field 2, each of which opens with a text: an input, an output, a name or a type.
    place = 0
    if head[:1] == b"\x0a":
        length, place = _varint(head, 1)
        name, place = head[place : place + length], place + length
        if any(byte < 32 for byte in name):
            return False
    if head[place : place + 1] != b"\x12":
        return False
    length, place = _varint(head, place + 1)
    return length > 2 and head[place : place + 1] in (b"\x0a", b"\x12", b"\x1a", b"\x22")


def _varint(head: bytes, place: int) -> tuple[int, int]:
    """A number of protobuf, and where it ends."""
    value = shift = 0
    while place < len(head):
        value |= (head[place] & 127) << shift
        place, shift = place + 1, shift + 7
        if head[place - 1] < 128:
            break
    return value, place


def _is_exported(path: Path, head: bytes) -> bool:
    names = _members(path, head)
    return any(name in ("archive_format", "serialized_exported_program.json") for name in names)


def _is_scripted(path: Path, head: bytes) -> bool:
    names = _members(path, head)
    return "constants.pkl" in names and any(name.startswith("code/") for name in names)


def _is_pickled(path: Path, head: bytes) -> bool:
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        return True
    return "data.pkl" in _members(path, head) and not _is_scripted(path, head)


def _is_keras(path: Path, head: bytes) -> bool:
    return {"metadata.json", "config.json"} <= set(_members(path, head))


_CHECKS: dict[str, Callable[[Path, bytes], bool]] = {
    SAVED.name: _is_saved,
    ONNX.name: _is_onnx,
    EXPORTED.name: _is_exported,
    SCRIPTED.name: _is_scripted,
    PICKLED.name: _is_pickled,
    CAFFE2.name: _is_net_def,
    FROZEN.name: _is_graph_def,
    KERAS.name: _is_keras,
}
