"""The floors of the architecture: imports go down only, frameworks are met at the edges only."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "graphlens"

FLOORS = (
    ("errors", "tensor", "files", "display"),
    ("ir",),
    ("ops",),
    ("frontends", "rewrite", "analysis", "runtime"),
    ("passes", "memory", "optimizers"),
    ("view",),
    ("render",),
    ("api", "registry", "formats", "options", "notebook"),
    ("sweep",),
    ("cli", "__init__", "__main__"),
    ("sphinx_ext", "pytest_plugin"),
)
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}

# Modules of one floor that may import each other, beside those of one package.
NEIGHBOURS = {
    ("tensor", "errors"),
    ("files", "errors"),
    ("api", "registry"),
    ("api", "formats"),
    ("api", "options"),
    ("notebook", "registry"),
    ("__main__", "cli"),
    ("passes", "memory"),  # reuse_buffers is the memory plan as a pass
    # The lazy table of public names is the registry's first caller: nothing is below it to ask.
    ("__init__", "registry"),
}

EDGES = {
    "torch": ("frontends/torch/", "frontends/keras/torch", "cli/libraries/timm",
              "cli/libraries/torchvision", "cli/libraries/transformers", "sweep/torch_side",
              "sweep/usual_layers", "sweep/sets/"),
    "torchvision": ("cli/libraries/torchvision", "sweep/sets/torchvision"),
    "timm": ("cli/libraries/timm", "sweep/sets/timm"),
    "transformers": ("cli/libraries/transformers", "sweep/sets/transformers"),
    "tensorflow": ("frontends/tf/", "frontends/keras/", "sweep/keras_side"),
    "keras": ("frontends/tf/", "frontends/keras/", "cli/libraries/keras", "sweep/keras_side",
              "sweep/sets/keras"),
    "onnx": ("ops/", "runtime/", "frontends/onnx/", "optimizers/onnx", "sweep/onnx_side"),
    "onnxruntime": ("runtime/", "optimizers/onnxruntime", "sweep/onnx_side"),
    "graphviz": ("render/",),
    "sphinx": ("sphinx_ext",),
    "docutils": ("sphinx_ext",),
    "pytest": ("pytest_plugin",),
}  # fmt: skip
"""Where each package may be imported: by the beginning of the module's path."""

LATE = {
    "frontends/torch/dynamic.py": "sympy, which this loads, is needed for symbolic sizes only",
    "frontends/torch/types.py": "sympy takes 0.3 s to import, and only symbolic sizes need it",
    "render/pdf.py": "reportlab is an extra, and only .pdf needs it",
    "render/png.py": "resvg_py is an extra, and only .png needs it",
}
"""Modules that may import inside a function, each with its reason."""

FILES = sorted(PACKAGE.rglob("*.py"))


def place(path):
    """A module's path inside the package."""
    return path.relative_to(PACKAGE).as_posix()


def part(path):
    """The package or module of the top level that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def checked_only(tree):
    """The nodes under `if TYPE_CHECKING`, which never run."""
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }


def imported(path):
    """The modules that a file imports when it runs, with their lines."""
    tree = ast.parse(path.read_text())
    skipped = checked_only(tree)
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place(path)}:{node.lineno}: a relative import"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def ours(path):
    """The parts of graphlens that a file imports, with their lines."""
    for module, line in imported(path):
        names = module.split(".")
        if names[0] == "graphlens" and len(names) > 1:
            yield names[1], line


def test_every_part_of_the_package_stands_on_a_floor():
    assert {part(path) for path in FILES} <= FLOOR.keys()


@pytest.mark.parametrize("path", FILES, ids=place)
def test_imports_go_down_the_floors(path):
    own = part(path)
    for other, line in ours(path):
        if other == own or other not in FLOOR:
            continue
        lower = FLOOR[other] < FLOOR[own]
        assert lower or (own, other) in NEIGHBOURS, f"{place(path)}:{line}: {own} imports {other}"


@pytest.mark.parametrize("path", [path for path in FILES if part(path) == "render"], ids=place)
def test_render_sees_only_what_view_made(path):
    assert {other for other, _ in ours(path)} <= {"render", "view", "errors", "files"}


@pytest.mark.parametrize("path", FILES, ids=place)
def test_a_framework_is_imported_at_its_edge_only(path):
    for module, line in imported(path):
        edges = EDGES.get(module.partition(".")[0])
        assert edges is None or place(path).startswith(edges), f"{place(path)}:{line}: {module}"


@pytest.mark.parametrize("path", FILES, ids=place)
def test_nothing_is_imported_inside_a_function(path):
    if place(path) in LATE:
        return
    tree = ast.parse(path.read_text())
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            late = [
                n.lineno for n in ast.walk(function) if isinstance(n, ast.Import | ast.ImportFrom)
            ]
            assert not late, f"{place(path)}:{late}: an import inside {function.name}"


@pytest.mark.parametrize("path", FILES, ids=place)
def test_files_and_functions_stay_small(path):
    text = path.read_text()
    assert text.count("\n") <= 400, f"{place(path)} has {text.count(chr(10))} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            lines = (
                node.end_lineno - node.lineno - len((ast.get_docstring(node) or "").splitlines())
            )
            assert lines <= 45, f"{place(path)}:{node.lineno}: {node.name} has {lines} lines"


def test_the_standard_library_is_not_shadowed():
    top = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    assert not top & set(sys.stdlib_module_names)
