"""Twenty seeds of all faults together on the main job: `make campaign`, or this file with seeds as arguments.

Each seed deals the faults out to operations anew. Every run must complete by itself, with nothing parked, each
intended award at the vendor exactly once, and a replay that finds the same. Prints a table; exits 1 on a violation.
"""

import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import orjson
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.sandbox.world import Command, World

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "configs" / "win-back.yaml"
PURCHASES = ROOT / "configs" / "data" / "cdnow_60.csv"
SEEDS = range(1, 21)
SIDE_BY_SIDE = 2
LONGEST = 600
"""Seconds after which a command is taken to hang."""

READS = ("contacts.credit_balance",)
WRITES = ("contacts.find_or_create", "contacts.update", "credit_receptions.create")
AWARD = "credit_receptions.create"
EXPECTED = {"rate_limit", "unauthorized", "drift", "unknown_outcome", "server_error"}
"""Kinds that every seed must have healed."""


@dataclass(frozen=True)
class Finding:
    """What one seed showed."""

    seed: int
    heals: dict[str, int]
    awards: int
    seconds: float
    violations: tuple[str, ...]


def faults_of(seed: int) -> list[str]:
    """Deal all kinds of faults out to operations."""
    deal = random.Random(seed)  # noqa: S311  # a seed, not a secret
    everywhere = (*READS, *WRITES)
    faults = [
        f"rate_limit=seconds@{deal.choice(everywhere)}",
        f"rate_limit=date@{deal.choice(everywhere)}",
        f"rate_limit=none@{deal.choice(everywhere)}:{deal.randint(1, 3)}",
        f"unauthorized@{deal.choice(everywhere)}:{deal.randint(1, 2)}",
        "drift_wrap@shops.list",
        "drift_rename@loyalty_transactions.list",
        f"drift_wrap@{deal.choice(READS)}:{deal.randint(1, 3)}",
        f"drift_rename@{deal.choice(WRITES)}:{deal.randint(1, 2)}",
        f"drift_wrap@{deal.choice(WRITES)}:{deal.randint(1, 2)}",
        f"lost_reply@{AWARD}:{deal.randint(1, 4)}",
        f"lost_reply@{deal.choice(everywhere)}",
        f"lost_request@{AWARD}:{deal.randint(1, 4)}",
        f"lost_request@{deal.choice(everywhere)}",
        f"server_error@{deal.choice(READS)}:{deal.randint(1, 3)}",
        f"server_error=after@{AWARD}",
        f"slow=2.2@{deal.choice(everywhere)}",
        "slow=2.2@loyalty_transactions.list",
    ]
    deal.shuffle(faults)
    return faults


def run_seed(seed: int) -> Finding:
    """Run the main job under one seed's faults and compare with the truth."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        armed = [word for fault in faults_of(seed) for word in ("--fault", fault)]
        begun = time.perf_counter()
        ended = command(home, "run", str(WORKFLOW), "--sandbox", "--json", *armed)
        seconds = time.perf_counter() - begun
        try:
            document: JsonObject = orjson.loads(ended.stdout)
        except orjson.JSONDecodeError:
            return Finding(seed, {}, 0, seconds, (f"exit {ended.returncode}: {ended.stderr[-500:]}",))
        awards = awards_at(home / "sandbox" / "world.jsonl")
        replayed = command(home, "replay", str(document["run_id"]))
        wrong = [*_wrong_with(ended.returncode, document), *_compared(awards)]
        if replayed.returncode != 0:
            wrong.append(f"replay: exit {replayed.returncode}: {replayed.stdout}{replayed.stderr[-500:]}")
        heals = document["heals"]
        counted = {kind: int(str(count)) for kind, count in heals.items()} if isinstance(heals, dict) else {}
        return Finding(seed, counted, awards.total(), seconds, tuple(wrong))


def command(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command with a home and without keys."""
    ours = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    return subprocess.run(
        [sys.executable, "-m", "mendflow", *words],
        env=ours | {"MENDFLOW_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )


def awards_at(state: Path) -> Counter[tuple[str, float]]:
    """Count the awards at the vendor by e-mail and amount."""
    world = World()
    for line in state.read_bytes().splitlines():
        one = Command.model_validate_json(line)
        if one.operation != "sandbox.opened":
            world.apply(one)
    contacts = world.state.contacts
    found = world.state.receptions
    return Counter((str(contacts[one.contact_uuid].email), float(one.unit_value or 0)) for one in found)


def awards_due() -> Counter[tuple[str, float]]:
    """Count the awards that the purchases ask for: of who bought nothing in the 180 days before 1998-06-30."""
    with PURCHASES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    active = {row["customer_id"] for row in rows if row["date"] > "1998-01-01"}
    return Counter(
        (f"customer-{row['customer_id']}@example.com", float(row["amount_usd"]))
        for row in rows
        if row["customer_id"] not in active and float(row["amount_usd"]) > 0
    )


def _wrong_with(code: int, document: JsonObject) -> list[str]:
    wrong = []
    if (code, document["status"]) != (0, "completed"):
        wrong.append(f"exit {code}, status {document['status']}")
    wrong += [
        f"{name}: {orjson.dumps(document[name]).decode()}" for name in ("parked", "failed") if document[name]
    ]
    heals = document["heals"]
    missing = EXPECTED - (heals.keys() if isinstance(heals, dict) else set())
    if missing:
        wrong.append(f"never healed: {', '.join(sorted(missing))}")
    return wrong


def _compared(awards: Counter[tuple[str, float]]) -> list[str]:
    due = awards_due()
    wrong = [f"awarded too often: {email} {amount}" for email, amount in (awards - due).elements()]
    return wrong + [f"not awarded: {email} {amount}" for email, amount in (due - awards).elements()]


def main() -> int:
    """Run all seeds, print the table, and return the exit code."""
    seeds = [int(word) for word in sys.argv[1:]] or [*SEEDS]
    due = awards_due().total()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        findings = [_shown(finding, due) for finding in pool.map(run_seed, seeds)]
    broken = [finding for finding in findings if finding.violations]
    say(f"\n{len(findings)} seeds, {len(broken)} with violations")
    for finding in broken:
        say(f"seed {finding.seed}: {' '.join(faults_of(finding.seed))}")
        for violation in finding.violations:
            say(f"  {violation}")
    return 1 if broken else 0


def say(line: str) -> None:
    """Print a line at once: a campaign is watched."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _shown(finding: Finding, due: int) -> Finding:
    """Print a finding's row and hand it on."""
    heals = "  ".join(f"{kind} {count}" for kind, count in sorted(finding.heals.items()))
    verdict = "VIOLATED" if finding.violations else "ok"
    say(
        f"seed {finding.seed:>3}  {verdict:<8}  awards {finding.awards} of {due}  "
        f"{finding.seconds:5.1f} s  {heals}"
    )
    return finding


if __name__ == "__main__":
    sys.exit(main())
