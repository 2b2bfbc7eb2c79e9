"""Runs tests against copies of the package: a process that holds the libraries ready and forks for each trial.

Each line on standard input names the copy, the tests and their folder; the line that comes back says what became
of them. Nothing of mendflow is imported before the fork, so a trial sees its own copy and no other.
"""

import gc
import os
import resource
import sys
import traceback
from collections.abc import Generator, Iterator
from importlib import import_module
from pathlib import Path

import hypothesis
import orjson
import pytest

HELD_READY = (
    "cel_expr_python",
    "hypothesis.stateful",
    "hypothesis.strategies",
    "jsonschema_rs",
    "langgraph.graph.state",
    "langgraph.runtime",
    "pydantic",
    "structlog",
    "tenacity",
)
"""What the package and its tests take long to import."""
MOST_CPU_SECONDS = 60
"""A mutant that never ends is ended."""
_OPTIONS = (
    "-q",
    "-x",
    "--timeout=100",
    "--assert=plain",
    "-p",
    "no:cacheprovider",
    "-p",
    "pytest_asyncio.plugin",
    "-p",
    "pytest_timeout",
)


class Witness:
    """A pytest plugin that notes which tests ran, and of what kind each failure was."""

    def __init__(self) -> None:
        self.ran = 0
        self.failures: dict[str, str] = {}
        """Test to `assertion`, `error of mendflow`, `time`, or the name of what else was raised."""
        self.errors: list[str] = []
        """What could not even be collected or set up."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.when == "call":
            self.ran += 1
        if call.excinfo is not None:
            kinds = {_kind_of(one) for one in _leaves(call.excinfo.value)}
            if call.when == "call":
                self.failures[item.nodeid] = ", ".join(sorted(kinds))
            else:
                self.errors.append(f"{item.nodeid} at {call.when}: {call.excinfo.value!r}")
        return report

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.errors.append(f"{report.nodeid}: {report.longreprtext[-500:]}")


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _kind_of(error: BaseException) -> str:
    if isinstance(error, pytest.fail.Exception) and str(error).startswith("Timeout"):
        return "time"
    if isinstance(error, AssertionError | pytest.fail.Exception):
        return "assertion"
    if any(kind.__name__ == "MendflowError" for kind in type(error).__mro__):  # the copy's own class
        return "error of mendflow"
    return type(error).__name__


def _try(home: Path, copy: Path, tests: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_SECONDS, MOST_CPU_SECONDS))
    output = os.open(copy / "output.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(home)
    sys.path[:0] = [str(copy), str(home)]
    os.environ["PYTHONPATH"] = f"{copy}{os.pathsep}{home}"  # for the processes that tests start
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)  # whether, not by how little
    hypothesis.settings.register_profile(
        "trial", derandomize=True, database=None, deadline=None, phases=phases
    )
    hypothesis.settings.load_profile("trial")
    witness = Witness()
    code = pytest.main([*_OPTIONS, f"--basetemp={copy / 'tmp'}", *tests], plugins=[witness])
    package = sys.modules["mendflow"].__file__ if "mendflow" in sys.modules else None
    if package != str(copy / "mendflow" / "__init__.py"):
        witness.errors.append(f"the tests saw the package at {package}")
    told = {"code": int(code), "ran": witness.ran, "failures": witness.failures, "errors": witness.errors}
    (copy / "told.json").write_bytes(orjson.dumps(told))


def main() -> None:
    """Try one copy after the other until nothing more is asked."""
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        del os.environ[name]  # of the pytest that started this process
    for name in HELD_READY:
        import_module(name)
    gc.freeze()  # what is held ready is never looked through again
    for line in sys.stdin:
        asked = orjson.loads(line)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                _try(Path(asked["home"]), Path(asked["copy"]), asked["tests"])
                status = 0
            except BaseException:  # noqa: BLE001  # told in the output, where whoever wonders will look
                traceback.print_exc()
            finally:
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        sys.stdout.write(f"{asked['copy']} {ended}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
