"""What is installed, and what the root face gives."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import mendflow
import pytest

ROOT = Path(__file__).parents[1]
NOT_INSTALLED = {"benchmarks", "build", "configs", "dist", "docs", "tests"}
ROOMS = {"agents", "connectors", "graph", "journal", "service", "verifier"}


def packages_in_the_tree() -> set[str]:
    """Return each folder of the repository that holds Python files to be installed, by its name as a package."""
    found = {"mendflow"}
    for folder, below, files in os.walk(ROOT):
        path = Path(folder)
        if path == ROOT:
            below[:] = [name for name in below if name not in NOT_INSTALLED and not name.startswith(".")]
            continue
        below[:] = [name for name in below if name != "__pycache__"]
        if any(name.endswith(".py") for name in files):
            found.add(".".join(("mendflow", *path.relative_to(ROOT).parts)))
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[PurePosixPath]:
    """Return what a wheel of this tree holds; it is built from a copy, so that nothing is left behind here."""
    folder = tmp_path_factory.mktemp("wheel")
    hidden = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "benchmarks")
    shutil.copytree(ROOT, folder / "tree", ignore=hidden)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder / "out")]
    done = subprocess.run(command, cwd=folder / "tree", check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (folder / "out").glob("*.whl")
    with ZipFile(built) as archive:
        return [PurePosixPath(name) for name in archive.namelist()]


def test_every_package_is_listed() -> None:
    """A folder with Python files that is missing from the list would be missing for who installs us."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(settings["tool"]["setuptools"]["packages"]) == packages_in_the_tree()


def test_the_wheel_holds_one_package(wheel: list[PurePosixPath]) -> None:
    """Nothing stands beside `mendflow`: a top-level `agents` or `graph` would break other software."""
    version = re.escape(mendflow_version())
    tops = {path.parts[0] for path in wheel}
    (notes,) = tops - {"mendflow"}
    assert re.fullmatch(rf"mendflow-{version}\.dist-info", notes)


def test_the_wheel_holds_all_modules_and_no_tests(wheel: list[PurePosixPath]) -> None:
    """Every module of the tree is installed, with the marker of types, the stub of the face and the licence."""
    modules = {str(path) for path in wheel if path.parts[0] == "mendflow"}
    folders = [ROOT / Path(*name.split(".")[1:]) for name in packages_in_the_tree()]
    expected = {
        str(PurePosixPath("mendflow") / path.relative_to(ROOT).as_posix())
        for folder in folders
        for path in folder.glob("*.py")
    }
    assert modules == expected | {"mendflow/py.typed", "mendflow/__init__.pyi"}
    assert any(path.name == "LICENSE" for path in wheel)


def mendflow_version() -> str:
    """Return the version that the tree declares."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(settings["project"]["version"])


def test_importing_mendflow_loads_no_room() -> None:
    """`import mendflow` costs nothing: rooms load when their names are used."""
    program = "import sys, mendflow; print(*(name for name in sys.modules if name.startswith('mendflow.')))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("name", mendflow.__all__)
def test_each_name_of_the_face_is_there(name: str) -> None:
    """Each name of the face resolves, and `dir` shows it."""
    assert getattr(mendflow, name) is not None
    assert name in dir(mendflow)


def test_an_unknown_name_is_no_attribute() -> None:
    """A name that the face does not have raises what Python raises for any module."""
    with pytest.raises(AttributeError, match="no attribute"):
        getattr(mendflow, "Workflows")  # noqa: B009  # a plain attribute would not pass the type checker


def test_the_stub_tells_type_checkers_the_truth() -> None:
    """The stub has the names of the face, each from where the face takes it."""
    tree = ast.parse((ROOT / "__init__.pyi").read_text(encoding="utf-8"))
    told = {
        alias.name: f"mendflow.{node.module}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    module = sys.modules["mendflow"].__dict__
    assert told == {name: f"mendflow.{home}" for name, home in module["_HOMES"].items()}


def test_no_room_is_importable_by_its_bare_name(tmp_path: Path) -> None:
    """Outside the repository there is no top-level `agents` or `graph` of ours."""
    program = (
        "import importlib.util, pathlib\n"
        f"for name in {sorted(ROOMS)}:\n"
        "    spec = importlib.util.find_spec(name)\n"
        f"    assert spec is None or {str(ROOT)!r} not in str(spec.origin), name\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
