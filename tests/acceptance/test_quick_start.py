"""Commands that people type often load little: no langgraph, no HTTP client."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import Job

pytestmark = pytest.mark.acceptance

LOADED = """
import sys
from mendflow.service.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    code = ended.code
heavy = ("langgraph", "langchain", "langchain_core", "httpx", "aiohttp")
print(code, *(name for name in heavy if name in sys.modules))
"""


def last_line(*words: str) -> str:
    """Run a command within a program that says at its end how it ended and which heavy modules were loaded."""
    ended = subprocess.run([sys.executable, "-c", LOADED, *words], capture_output=True, text=True, check=True)
    return ended.stdout.splitlines()[-1]


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("tools",), ("sandbox", "--help")])
def test_help_and_lists_load_no_engine(words: tuple[str, ...]) -> None:
    """The help and the list of tools end well without the engine."""
    assert last_line(*words) == "0"


def test_validate_and_graph_load_no_engine(small: Job, tmp_path: Path) -> None:
    """Checking and drawing a workflow need the language alone, be it right or wrong."""
    assert last_line("validate", str(small.workflow)) == "0"
    assert last_line("graph", str(small.workflow)) == "0"
    wrong = small.copy(tmp_path, {"map:": "mop:"})
    assert last_line("validate", str(wrong)) == "2"
