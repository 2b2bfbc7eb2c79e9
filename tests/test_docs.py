"""The README and the pages under docs/ say what is true: commands run, workflows are valid, links lead somewhere.

A command of the README that ends otherwise than with 0 says so: `# exit 4`. The `text` block after commands holds
lines that they print.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
from mendflow.connectors.catalogue import tools_of
from mendflow.connectors.piggy.operations import TOOLS
from mendflow.graph.language.compiler import compile_text
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
EXAMPLE = ROOT / "configs" / "welcome-bonus.yaml"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://)([^)#\s]+)(?:#[^)]*)?\)")
EXIT = re.compile(r"# exit (\d)$")
VARYING = ((re.compile(r"run-[0-9a-f]{12}"), "RUN"), (re.compile(r"\s+"), " "))


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    language: str
    text: str


BLOCKS = [Block(*found) for found in FENCED.findall(README)]


def blocks(language: str) -> list[str]:
    """Return the texts of the README's blocks in a language."""
    return [block.text for block in BLOCKS if block.language == language]


def examples() -> Iterator[tuple[str, str]]:
    """Yield each block of mendflow's commands with the output that follows it, empty where none does."""
    following = [*BLOCKS, Block("", "")]
    for block, after in pairwise(following):
        if block.language == "bash" and "mendflow" in block.text:
            yield block.text, after.text if after.language == "text" else ""


def plain(text: str) -> str:
    """Return a text without what varies: ids of runs, and how lines are broken and filled."""
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text.strip()


class Shell:
    """A shell in a folder with the project's workflows, a fresh home and no keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "bin" / "mendflow"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mendflow "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        self.environment: Mapping[str, str] = {
            **kept,
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "200",
        }
        shutil.copytree(ROOT / "configs", folder / "configs")

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            words,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            timeout=100,
        )

    def newest_run(self) -> str:
        """Return the id of the run that began last."""
        rows = orjson.loads(self("mendflow", "runs", "--json").stdout)
        return str(rows[0]["run_id"])

    def line(self, line: str) -> str:
        """Run one line as a reader would, and return what it prints; it must end as it says."""
        expected = EXIT.search(line)
        typed = re.sub(r"\bRUN\b", lambda _: self.newest_run(), line)
        done = self("bash", "-c", typed)
        assert done.returncode == int(expected[1] if expected else 0), f"{line}\n{done.stdout}"
        return done.stdout


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Return a shell of its own."""
    return Shell(tmp_path)


@pytest.mark.acceptance
@pytest.mark.timeout(400)  # some twenty commands, each a process that loads langgraph
def test_the_commands_of_the_readme_do_what_it_says(shell: Shell) -> None:
    """Typed one after the other, they end as the README says and print the lines that it shows."""
    for commands, shown in examples():
        printed = plain("\n".join(shell.line(line) for line in commands.splitlines()))
        missing = [line for line in shown.splitlines() if plain(line) not in printed]
        assert not missing, f"{commands}\n{printed}"


@pytest.mark.acceptance
def test_the_python_of_the_readme_runs(shell: Shell) -> None:
    """It prints a run that has completed, with each effect confirmed."""
    for text in blocks("python"):
        done = shell(sys.executable, "-c", text)
        assert done.returncode == 0, done.stdout
        assert "completed" in done.stdout
        assert "intended=3 confirmed=3" in done.stdout


def test_the_workflow_of_the_readme_is_the_file_it_names() -> None:
    """The first YAML block is `configs/welcome-bonus.yaml` without the comment at its head."""
    text = EXAMPLE.read_text(encoding="utf-8")
    assert blocks("yaml")[0] == re.sub(r"\A(#.*\n)+", "", text)


@pytest.mark.parametrize("text", blocks("yaml"), ids=lambda text: text.split(":", 1)[0])
def test_the_yaml_of_the_readme_is_valid(text: str) -> None:
    """Each block is a whole workflow, or takes the place of a part of the example."""
    loader = YAML(typ="safe", pure=True)
    whole = {**loader.load(EXAMPLE.read_text(encoding="utf-8")), **loader.load(text)}
    plan = compile_text(
        orjson.dumps(whole).decode(), file="block.yaml", folder=EXAMPLE.parent, catalogue=tools_of
    )
    assert [step.id for step in plan.steps] == ["prepare_piggy", "member", "award"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Each link to a file of the project names one that is there."""
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_page_of_tools_lists_them_all() -> None:
    """Each tool stands there under its names and with its effect class, and no other does."""
    text = (ROOT / "docs" / "piggy-tools.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(PIGGY_\w+)` \| `([\w.]+)` \| (\w+) \|$", text, re.MULTILINE))
    assert rows == {(name, spec.operation, spec.effect) for spec in TOOLS.values() for name in spec.names}
    (besides,) = re.findall(r"under dotted names only: (.*?)\.\n", text, re.DOTALL)
    assert set(re.findall(r"`([\w.]+)`", besides)) == {
        spec.operation for spec in TOOLS.values() if not spec.names
    }


def test_the_licence_is_the_one_that_is_declared() -> None:
    """The whole text of Apache-2.0 is there."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
