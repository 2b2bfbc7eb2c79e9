"""The share of small changes to the protocol's rules that its tests notice: `make mutations`.

Changes are made one at a time to a copy of the package, and the tests of that file must then fail. What they let
pass is tried on the engine's tests as well. Exit 1 where the share is below the goal.
"""

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.mutations.mutants import Mutant, mutants
from tests.mutations.trial import PACKAGE, Laboratory

GOAL = 0.95
WORKERS = 2
_VERIFIER, _JOURNAL = "tests/verifier/test_{}.py", "tests/journal/test_{}.py"
TESTS: dict[str, tuple[str, ...]] = {
    "verifier/effect.py": (_VERIFIER.format("effect"), _JOURNAL.format("claims")),
    "verifier/outcome.py": (_VERIFIER.format("outcome"), _VERIFIER.format("judge")),
    "verifier/settling.py": (_VERIFIER.format("marker_read"), _VERIFIER.format("object_read")),
    "verifier/marker_read.py": (_VERIFIER.format("marker_read"),),
    "verifier/object_read.py": (_VERIFIER.format("object_read"),),
    "verifier/probing.py": (
        *(_VERIFIER.format(name) for name in ("marker_read", "object_read", "judge", "course")),
    ),
    "verifier/course.py": (_VERIFIER.format("course"),),
    "verifier/ledger.py": tuple(
        _VERIFIER.format(name) for name in ("ledger", "judge", "marker_read", "course")
    ),
    "verifier/envelope.py": (_VERIFIER.format("envelope"), _VERIFIER.format("outcome")),
    "connectors/hints.py": ("tests/connectors/test_hints.py",),
    "journal/claims.py": (_JOURNAL.format("claims"),),
    "journal/ownership.py": (_JOURNAL.format("ownership"), _JOURNAL.format("tables")),
}
AT_LAST = tuple(
    f"tests/graph/engine/test_{name}.py" for name in ("effects", "calls", "distributor", "replay")
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one mutant."""

    file: str
    mutant: Mutant
    is_killed: bool


def _is_killed(laboratory: Laboratory, file: str, mutant: Mutant) -> bool:
    return any(
        not laboratory.replace(file, mutant.text, tests).has_passed for tests in (TESTS[file], AT_LAST)
    )


def _work(waiting: "SimpleQueue[tuple[str, Mutant] | None]") -> list[Finding]:
    """Try one mutant after the other, in a laboratory of its own."""
    found = []
    with tempfile.TemporaryDirectory() as folder, Laboratory(Path(folder)) as laboratory:
        while (asked := waiting.get()) is not None:
            file, mutant = asked
            found.append(Finding(file, mutant, _is_killed(laboratory, file, mutant)))
            sys.stderr.write("." if found[-1].is_killed else f"\n{file} {mutant}\n")
            sys.stderr.flush()
    return found


def _try_all(files: list[str]) -> list[Finding]:
    waiting: SimpleQueue[tuple[str, Mutant] | None] = SimpleQueue()
    for file in files:
        for mutant in mutants((PACKAGE / file).read_text()):
            waiting.put((file, mutant))
    for _ in range(WORKERS):
        waiting.put(None)
    with ThreadPoolExecutor(WORKERS) as pool:
        done = [pool.submit(_work, waiting) for _ in range(WORKERS)]
        return [finding for one in done for finding in one.result()]


def _share(found: list[Finding]) -> float:
    """Return how much of what was tried was noticed; a file without places to change has nothing to hide."""
    return sum(one.is_killed for one in found) / len(found) if found else 1.0


def _told(name: str, found: list[Finding]) -> str:
    killed = sum(one.is_killed for one in found)
    return f"{name:24} {killed:4} of {len(found):4} noticed  {_share(found):7.1%}"


def main(files: list[str]) -> int:
    """Try the mutants of these files, or of all, and print what nobody noticed."""
    chosen = [file for file in TESTS if not files or file in files]
    if unknown := set(files) - set(TESTS):
        sys.exit(f"{', '.join(sorted(unknown))}: no such file here; these are: {', '.join(TESTS)}")
    found = _try_all(chosen)
    for file in chosen:
        own = [one for one in found if one.file == file]
        survived = sorted((one for one in own if not one.is_killed), key=lambda one: one.mutant.line)
        lines = (_told(file, own), *(f"    survived: {one.mutant}" for one in survived))
        sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.write(f"{_told('all', found)} (goal {GOAL:.0%})\n")
    return 0 if _share(found) >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
