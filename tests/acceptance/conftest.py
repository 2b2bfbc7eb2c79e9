"""Whole runs in child processes of the installed command, and the sandbox's ground truth beside them."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import orjson
import pytest
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.sandbox.world import DEFAULT_KEY, Command, World

DATA = Path(__file__).parent / "data"
CONFIGS = Path(__file__).parents[2] / "configs"
PROGRAM = (sys.executable, "-m", "mendflow")
LONGEST = 90
"""Seconds after which a command is taken to hang."""

Award = tuple[str, float]
"""E-mail and amount in dollars."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> JsonObject:
        """The one JSON document on stdout; anything beside it is an error."""
        document: JsonObject = orjson.loads(self.out)
        return document


class Mendflow:
    """The command, run in a folder of its own, with a fresh home and without a key unless one is given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self._started: list[subprocess.Popen[str]] = []

    def __call__(self, *words: str, key: str = "", program: tuple[str, ...] = PROGRAM) -> Ended:
        """Run a command to its end."""
        process = self.start(*words, key=key, program=program)
        out, err = process.communicate(timeout=LONGEST)
        return Ended(process.returncode, out, err)

    def start(self, *words: str, key: str = "", program: tuple[str, ...] = PROGRAM) -> subprocess.Popen[str]:
        """Start a command in a process group of its own."""
        process = subprocess.Popen(
            [*program, *words],
            cwd=self.folder,
            env=environment(self.home, key),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def run(self, workflow: Path, *words: str, key: str = "") -> JsonObject:
        """Run a workflow that must complete, with nothing parked, and return its document."""
        ended = self("run", str(workflow), "--json", *words, key=key)
        return completed(ended)

    def close(self) -> None:
        """End what still runs, and let go of its pipes."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=LONGEST)


def environment(home: Path, key: str) -> dict[str, str]:
    """Return the environment of a command: ours without keys, the home, and the key that is given."""
    ours = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_HOME"))}
    ours |= {"MENDFLOW_HOME": str(home), "COLUMNS": "200"}
    return ours | ({"PIGGY_API_KEY": key} if key else {})


def completed(ended: Ended) -> JsonObject:
    """Return the document of a run that completed, with nothing parked or failed."""
    assert ended.code == 0, f"{ended.code}: {ended.out[-2000:]}\n{ended.err[-4000:]}"
    document = ended.document
    found = {name: document[name] for name in ("status", "parked", "failed", "waiting")}
    assert found == {"status": "completed", "parked": [], "failed": [], "waiting": []}
    return document


class Sandbox:
    """A sandbox of the test's own, served by the command."""

    def __init__(self, folder: Path, key: str = DEFAULT_KEY) -> None:
        self.state = folder / "vendor.jsonl"
        self.key_file = folder / "vendor.key"
        words = ["sandbox", "--api-key", key, "--state", str(self.state), "--key-file", str(self.key_file)]
        self._process = subprocess.Popen(
            [*PROGRAM, *words, "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url: str = orjson.loads(self._process.stdout.readline())["base_url"]

    def get(self, control: str) -> JsonObject:
        """Return what one of the controls says."""
        with urlopen(f"{self.url}/__sandbox__/{control}", timeout=LONGEST) as answer:  # noqa: S310  # loopback
            document: JsonObject = orjson.loads(answer.read())
            return document

    def arm(self, *faults: str) -> None:
        """Arm faults."""
        body = orjson.dumps({"faults": faults})
        request = Request(f"{self.url}/__sandbox__/faults", data=body, method="POST")  # noqa: S310  # loopback
        with urlopen(request, timeout=LONGEST) as answer:  # noqa: S310  # loopback
            assert answer.status == 200

    def count(self, path: str, method: str = "POST") -> int:
        """Return how many requests to an address have arrived."""
        requests = self.get("requests")["requests"]
        assert isinstance(requests, list)
        return sum(
            isinstance(one, dict) and one["method"] == method and str(one["path"]).endswith(path)
            for one in requests
        )

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=LONGEST)


def read_world(state: Path) -> World:
    """Return the world that a sandbox has written down; a line that a kill tore never took effect."""
    world = World()
    for line in state.read_bytes().split(b"\n")[:-1]:
        command = Command.model_validate_json(line)
        if command.operation != "sandbox.opened":
            world.apply(command)
    return world


def awards_of(world: World) -> list[Award]:
    """Return every award that stands at the vendor."""
    contacts = world.state.contacts
    return sorted(
        (str(contacts[one.contact_uuid].email), float(one.unit_value or 0)) for one in world.state.receptions
    )


def awards_due(purchases: Path, chosen: Callable[[list[str]], bool]) -> list[Award]:
    """Return the awards that a file of purchases asks for, of the customers whose dates are `chosen`."""
    with purchases.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    dates: dict[str, list[str]] = {}
    for row in rows:
        dates.setdefault(row["customer_id"], []).append(row["date"])
    return sorted(
        (f"customer-{row['customer_id']}@example.com", float(row["amount_usd"]))
        for row in rows
        if chosen(dates[row["customer_id"]]) and float(row["amount_usd"]) > 0
    )


@dataclass(frozen=True)
class Job:
    """A workflow and the awards that it must leave at the vendor, each once."""

    workflow: Path
    due: list[Award]

    def copy(self, folder: Path, changes: Mapping[str, str]) -> Path:
        """Copy the workflow and its data into a folder, with words replaced; each must occur."""
        copy = folder / "copy"
        shutil.copytree(self.workflow.parent, copy)
        path = copy / self.workflow.name
        text = path.read_text(encoding="utf-8")
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def mendflow(tmp_path: Path) -> Iterator[Mendflow]:
    """Give the command with a fresh home."""
    command = Mendflow(tmp_path)
    yield command
    command.close()


@pytest.fixture
def open_sandbox(tmp_path: Path) -> Iterator[Callable[[str], Sandbox]]:
    """Give a way to open a sandbox with a key."""
    with ExitStack() as stack:

        def opened(key: str) -> Sandbox:
            sandbox = Sandbox(tmp_path, key)
            stack.callback(sandbox.close)
            return sandbox

        yield opened


@pytest.fixture
def sandbox(open_sandbox: Callable[[str], Sandbox]) -> Sandbox:
    """Give a running sandbox with its usual key."""
    return open_sandbox(DEFAULT_KEY)


@pytest.fixture(scope="session")
def small() -> Job:
    """Give the little job."""
    return Job(DATA / "small.yaml", awards_due(DATA / "purchases.csv", lambda _: True))


@pytest.fixture(scope="session")
def win_back() -> Job:
    """Give the main job; a customer has lapsed who bought nothing in the 180 days before 1998-06-30."""
    data = CONFIGS / "data" / "cdnow_60.csv"
    return Job(CONFIGS / "win-back.yaml", awards_due(data, lambda dates: max(dates) <= "1998-01-01"))


@pytest.fixture(scope="session")
def approval() -> Path:
    """Give a workflow that asks a person."""
    return DATA / "approval.yaml"
