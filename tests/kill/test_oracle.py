"""The oracle of the kill harness: each lie that a run could tell is seen."""

import pytest
from mendflow.connectors.contract import JsonObject

from tests.kill.oracle import Allowed, Finding, violations

AWARD = "credit_receptions.create"
PARKED: JsonObject = {"status": "parked", "parked": [{"reason": "unknown", "next_action": "look"}]}


def finding(document: JsonObject, effects: int, *states: str) -> Finding:
    """Return what a run left behind that had this result, so many effects, and these states in its journal."""
    return Finding(AWARD, (document,), (AWARD,) * effects, states)


@pytest.mark.parametrize(
    "found",
    [
        finding({"status": "completed"}, 1, "done"),
        finding({"status": "failed"}, 0, "refused"),
        finding({"status": "failed"}, 0, "planned"),
        finding(PARKED, 0, "parked"),
        finding(PARKED, 1, "parked"),
    ],
)
def test_true_words_are_no_violation(found: Finding) -> None:
    """Done with its effect, failed without it, parked with either: these are right ends."""
    assert violations(found, Allowed(failed=True, parked=True)) == []


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            finding({"status": "completed"}, 2, "done"),
            ["doubled: `credit_receptions.create` took place 2 times"],
        ),
        (
            finding({"status": "completed"}, 0, "done"),
            [
                "lost: the run completed and nothing took place",
                "false words: the journal says `done` and 0 took place",
            ],
        ),
        (
            finding({"status": "failed"}, 1, "refused"),
            [
                "false failed: the run failed and the effect took place",
                "false words: the journal says `refused` and 1 took place",
            ],
        ),
        (finding(PARKED, 1, "planned"), ["false words: the journal says `planned` and 1 took place"]),
        (
            finding({"status": "parked", "parked": []}, 0, "parked"),
            ["unexplained: parked without cause or next action"],
        ),
        (
            finding({"status": "parked", "parked": [{"reason": "unknown", "next_action": ""}]}, 0),
            ["unexplained: parked without cause or next action"],
        ),
        (finding({}, 0, "intent"), ["stuck: the run came to no end (``)"]),
        (finding({"status": "waiting"}, 0), ["stuck: the run came to no end (`waiting`)"]),
    ],
)
def test_each_lie_is_seen(found: Finding, expected: list[str]) -> None:
    """Doubled, lost, falsely failed, unexplained or stuck: each is named."""
    assert violations(found, Allowed(failed=True, parked=True)) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (finding({"status": "failed"}, 0), ["needless: the run failed though nothing was refused"]),
        (finding(PARKED, 0), ["needless: parked though it could have been settled"]),
    ],
)
def test_an_end_that_was_not_needed_is_seen(found: Finding, expected: list[str]) -> None:
    """To give up is a violation where the vendor refused nothing, or where a reading could have told."""
    assert violations(found, Allowed()) == expected


def taken() -> JsonObject:
    """Return the result of a run that failed over a slot in other hands."""
    return {"status": "failed", "failed": [{"path": "effect", "fault": {"kind": "slot_taken"}}]}


def test_each_run_is_judged_and_not_the_last_one_only() -> None:
    """A run that fails over what another run did with the same arguments is a lie, wherever it stands."""
    documents: tuple[JsonObject, ...] = (
        {"status": "completed"},
        taken(),
        {"status": "waiting"},
        {"status": "completed"},
    )
    assert violations(Finding(AWARD, documents, (AWARD,), ("done",)), Allowed(failed=True)) == [
        "false failed: the run failed over a slot that another one had filled with the same arguments",
        "stuck: the run came to no end (`waiting`)",
    ]


@pytest.mark.parametrize("state", ["intent", "unknown", "reconciling"])
@pytest.mark.parametrize("document", [{"status": "completed"}, taken() | {"failed": []}, PARKED])
def test_an_effect_that_is_left_open_is_seen(document: JsonObject, state: str) -> None:
    """A run that has ended left its effect done, refused, parked or unsent, never for somebody to find out."""
    count = int(document == {"status": "completed"})
    found = finding(document, count, state)
    assert f"left open: no run goes on and the journal says `{state}`" in violations(
        found, Allowed(failed=True, parked=True)
    )
