"""One mutation tried: a copy of the package with one text replaced, and the tests that must then fail."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import orjson

PACKAGE = Path(__file__).parents[2]
ROOMS = ("agents", "connectors", "graph", "journal", "service", "verifier")
FAILS_BY = frozenset({"assertion", "error of mendflow"})
"""How a test may notice a mutation: it asserts, or the product refuses. A name that is gone is no proof."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """A deletion from the protocol, and the tests of which at least one must then fail."""

    what: str
    file: str
    old: str
    """Stands exactly once in the file."""
    new: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        return self.what


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the tests."""

    code: int
    """Of pytest; -1 when the process itself did not survive."""
    ran: int
    failures: dict[str, str]
    errors: tuple[str, ...]
    output: str

    @property
    def is_noticed(self) -> bool:
        """Whether a test failed by what it asserts, or by what the product refuses."""
        return self.code == 1 and not self.errors and any(kind in FAILS_BY for kind in self.failures.values())

    @property
    def report(self) -> str:
        """What to tell whoever wonders why a mutation was not noticed."""
        found = f"pytest ended with {self.code} after {self.ran} tests: {self.failures or 'none failed'}"
        return "\n".join((found, *self.errors, self.output))

    @property
    def has_passed(self) -> bool:
        """Whether tests ran and all of them passed."""
        return self.code == 0 and self.ran > 0 and not self.errors


class Laboratory:
    """Makes copies of the package, as it was when the laboratory opened, and tries tests on them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copies = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for room in ROOMS:
            shutil.copytree(PACKAGE / room, self._folder / "mendflow" / room)
        for file in (*PACKAGE.glob("*.py"), PACKAGE / "py.typed"):
            shutil.copy2(file, self._folder / "mendflow")
        shutil.copytree(PACKAGE / "tests", self._folder / "tests")
        shutil.copy2(PACKAGE / "pyproject.toml", self._folder)
        command = [sys.executable, str(Path(__file__).with_name("cradle.py"))]
        self._cradle = self._stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def source(self, file: str) -> str:
        """Return the text of a file of the package."""
        return (self._folder / "mendflow" / file).read_text()

    def mutate(self, mutation: Mutation) -> Trial:
        """Try the tests of a mutation on a copy that has it. Raises ValueError when the list is stale."""
        text = self.source(mutation.file)
        if text.count(mutation.old) != 1:
            raise ValueError(
                f"`{mutation.old}` stands {text.count(mutation.old)} times in {mutation.file}, once was expected: "
                f"bring the mutation `{mutation.what}` up to date"
            )
        return self.replace(mutation.file, text.replace(mutation.old, mutation.new), mutation.tests)

    def replace(self, file: str, text: str, tests: Sequence[str]) -> Trial:
        """Try tests on a copy in which one file has another text; an empty name: on a plain copy."""
        self._copies += 1
        copy = self._folder / f"copy-{self._copies}"
        shutil.copytree(self._folder / "mendflow", copy / "mendflow", copy_function=os.link)
        if file:
            place = copy / "mendflow" / file
            for linked in (place, *(place.parent / "__pycache__").glob(f"{place.stem}.*.pyc")):
                linked.unlink()
            place.write_text(text)
        trial = self._ask(copy, tests)
        shutil.rmtree(copy)
        return trial

    def _ask(self, copy: Path, tests: Sequence[str]) -> Trial:
        if self._cradle.stdin is None or self._cradle.stdout is None:
            raise RuntimeError("the cradle is asked and answers by pipes")
        asked = {"home": str(self._folder), "copy": str(copy), "tests": list(tests)}
        self._cradle.stdin.write(orjson.dumps(asked) + b"\n")
        self._cradle.stdin.flush()
        ended = ""
        for line in self._cradle.stdout:  # one that was not waited for may stand before ours
            name, _, ended = line.decode().strip().partition(" ")
            if name == str(copy):
                break
        output = (copy / "output.txt").read_text(errors="replace")[-3000:]
        if ended != "0":
            return Trial(-1, 0, {}, (f"the process ended with `{ended}`",), output)
        told = orjson.loads((copy / "told.json").read_bytes())
        return Trial(told["code"], told["ran"], told["failures"], tuple(told["errors"]), output)
