"""Twenty thousand effects of the shipped engine, journal and connector in worlds where much goes wrong."""

import subprocess
import sys
from collections import Counter

import pytest

from tests.simulation.campaign import ALL, Finding, Tally, WorldName, campaign, live_through, names
from tests.simulation.mixes import FAULTS

EFFECTS = 20_000
MOST_PARKED = 0.0005
"""Share of marked effects that may be left to a person in the reference's mix, with a declared settle time."""
POINTS = {
    "journal: after a commit",
    "journal: after a write",
    "journal: before a commit",
    "journal: before a write",
    "journal: before a write that nobody waits for",
    "network: before a request",
    "network: reply received",
    "network: request on its way",
}


@pytest.fixture(scope="module")
def findings() -> list[Finding]:
    """Live through worlds until enough effects were intended."""
    found: list[Finding] = []
    for finding in campaign(names(ALL, 1), workers=2):
        found.append(finding)
        if _sum(found, "effects").total() >= EFFECTS:
            break
    return found


@pytest.mark.timeout(900)
def test_effects_happen_once(findings: list[Finding]) -> None:
    """Nothing is doubled, lost, falsely done or falsely failed; all comes to an end; no replay diverges."""
    assert [(one.name.command, one.violations) for one in findings if one.violations] == []


def test_all_that_can_go_wrong_did(findings: list[Finding]) -> None:
    """Every fault struck, processes died at every point, and every class of effect was there."""
    assert FAULTS - _sum(findings, "faults").keys() == set()
    assert _sum(findings, "deaths").keys() == POINTS
    classes = {row.partition(" ")[2] for row in _sum(findings, "effects")}
    assert classes == {"asynchronous", "blind", "idempotent", "marked", "natural_key", "readable_state"}


def test_few_marked_effects_are_parked(findings: list[Finding]) -> None:
    """With a marker and a declared settle time, hardly any effect of the reference's mix is left to a person."""
    intended = _sum(findings, "effects")["reference marked"]
    parked = _sum(findings, "parked")["reference marked"]
    assert intended > EFFECTS / 10
    assert parked <= intended * MOST_PARKED


def test_a_seed_is_a_world(findings: list[Finding]) -> None:
    """Lived through again, in another process, a world leaves the same trace byte for byte."""
    again = [live_through(one.name).digest for one in findings[:2]]
    assert again == [one.digest for one in findings[:2]]


def test_a_command_lives_through_a_world_again() -> None:
    """The command that is printed with a violation leads to the very same world."""
    name = WorldName(4, "drawn", 12)
    _, *words = name.command.split()
    ended = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    assert ended.stderr == f"{name.command}: trace {live_through(name).digest}\n"


def _sum(findings: list[Finding], table: str) -> Counter[str]:
    tally: Tally = Counter()
    for finding in findings:
        tally.update(finding.tally)
    return Counter({row: number for (name, row), number in tally.items() if name == table})
