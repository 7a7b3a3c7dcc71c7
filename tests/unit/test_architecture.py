"""The rules that keep the library simple, held against its own syntax trees."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import evalkit
from tests.conftest import ROOT

PACKAGE = ROOT / "evalkit"
EXEMPT = {
    *("__init__", "__main__", "content", "files", "cli", "reports", "tracking", "locking"),
    "schemas",
}
CORE = [
    path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.relative_to(PACKAGE).parts[0].removesuffix(".py") not in EXEMPT
]
CALLS = {"open", "print", "eval", "exec", "compile", "__import__", "input"}
MODULES = {
    "pathlib",
    "yaml",
    "ruamel",
    "pickle",
    "os",
    "shutil",
    "subprocess",
    "socket",
    "requests",
}
METHODS = ("read_csv", "read_excel", "read_parquet", "read_sql", "read_pickle", "to_csv",
           "to_excel", "to_parquet", "to_pickle", "write_text", "read_text", "read_bytes",
           "write_bytes")  # fmt: skip
INNER = ("evalkit.content", "evalkit.files", "evalkit.cli")
NUMPY_RANDOM = ("seed", "rand", "randn", "normal", "choice", "shuffle", "permutation")


def offences(tree: ast.Module) -> Iterator[str]:
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func
            if isinstance(name, ast.Name) and name.id in CALLS:
                yield f"calls {name.id} on line {node.lineno}"
            if isinstance(name, ast.Attribute) and name.attr in METHODS:
                yield f"calls .{name.attr} on line {node.lineno}"
        if id(node) in typing_only:
            continue
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.split(".")[0] in MODULES or name.startswith(INNER):
                yield f"imports {name} on line {node.lineno}"


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_core_modules_do_no_input_or_output(path: Path) -> None:
    assert list(offences(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "text",
    [
        "open('x')", "print(1)", "eval('1')", "exec('1')", "import pathlib", "import pickle",
        "from pathlib import Path", "import yaml", "from ruamel.yaml import YAML",
        "frame.to_csv('x')", "pd.read_csv('x')", "from evalkit.content import x",
        "from evalkit import files", "from evalkit.files.tables import read_table",
        "def f():\n    import evalkit.cli",
    ],
)  # fmt: skip
def test_the_test_itself_sees_what_it_should(text: str) -> None:
    assert list(offences(ast.parse(text)))


def test_core_modules_are_found() -> None:
    names = {path.stem for path in CORE}
    assert {"flow", "claims", "maryland", "study", "linear", "disclosure"} <= names
    assert not {"cli", "content", "strict_yaml", "released"} & names


def modules() -> list[str]:
    return [
        info.name
        for info in pkgutil.walk_packages(evalkit.__path__, "evalkit.")
        if not info.name.endswith("__main__")
    ]


def test_every_module_imports_and_hides_no_public_name() -> None:
    for name in modules():
        importlib.import_module(name)
    from evalkit import stats

    public = [n for n in evalkit.__all__ if n != "stats"]
    assert public and stats.__all__
    for owner, names in ((evalkit, public), (stats, stats.__all__)):
        for name in names:
            assert callable(getattr(owner, name)), f"{owner.__name__}.{name} is not callable"


def test_nothing_is_drawn_without_a_seed() -> None:
    for path in CORE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("np.random."):
                assert node.func.attr not in NUMPY_RANDOM, path  # type: ignore[union-attr]
                assert node.args or node.keywords, f"{path.name} draws without a seed"


def test_importing_evalkit_is_cheap() -> None:
    import subprocess
    import sys

    code = "import evalkit, sys; print([m for m in ('pandas', 'statsmodels', 'scipy') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
