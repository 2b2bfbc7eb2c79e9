"""What became of a run, read from events."""

from datetime import UTC, datetime

import pytest
from mendflow.connectors.contract import JsonObject
from mendflow.graph.engine.summary import EffectCount, OpenEnd, PersonsWord, RunResult, as_status, summarise
from mendflow.journal.events import Event, EventKind
from pydantic import JsonValue

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Written = tuple[EventKind, str, JsonObject]
STARTED: Written = ("run_started", "", {"workflow": {"name": "trial"}})


def _run(*written: Written) -> RunResult:
    return summarise(
        Event(run_id="r", seq=seq, kind=kind, key=key, at=NOON, epoch=1, body=body)
        for seq, (kind, key, body) in enumerate((STARTED, *written), start=1)
    )


def _plain(**changes: object) -> RunResult:
    return RunResult.model_validate({"run_id": "r", "workflow": "trial", "status": "running", **changes})


def _intent(path: str, slot: str) -> Written:
    return ("intent_written", f"{path}#1:call:0", {"slot": slot})


def _claim(path: str, slot: str, standing: str, attempt: int = 1) -> Written:
    body: JsonObject = {"request": {"slot": slot}, "value": {"standing": standing}}
    return ("fact_recorded", f"{path}#{attempt}:slot:0", body)


def _passed(path: str) -> Written:
    return ("verdict_given", f"{path}#1:verdict:0", {"kind": "passed"})


def _end(path: str, status: str, **more: JsonValue) -> Written:
    return ("step_ended", f"{path}#1:end:0", {"status": status, **more})


def test_a_run_that_has_just_begun_is_running() -> None:
    """Nothing is known but its name."""
    assert _run() == _plain()


def test_each_slot_counts_once() -> None:
    """Several attempts of one effect are one; it is confirmed by a passed verdict, or by an earlier run."""
    result = _run(
        _intent("a", "x.create/acc/1"),
        _intent("a", "x.create/acc/1"),
        _passed("a"),
        _intent("b", "x.create/acc/2"),
        _claim("c", "x.create/acc/1", "done"),
        _claim("d", "y.create/acc/once/k", "done"),
        _claim("e", "y.create/acc/once/l", "held"),
    )
    assert result == _plain(
        effects=EffectCount(intended=4, confirmed=2),
        effects_by_operation={
            "x.create": EffectCount(intended=2, confirmed=1),
            "y.create": EffectCount(intended=2, confirmed=1),
        },
    )


def test_a_slot_that_was_held_and_is_done_since_is_confirmed() -> None:
    """What another run made in the meantime counts as confirmed."""
    result = _run(_claim("e", "y.create/acc/once/l", "held"), _claim("e", "y.create/acc/once/l", "done", 2))
    assert result.effects == EffectCount(intended=1, confirmed=1)


def test_calls_heals_and_rejections_are_counted() -> None:
    """Calls by their facts, heals by the kind of their fault, rejections by their remedy."""
    result = _run(
        ("fact_recorded", "a#1:call:0", {"value": {}}),
        ("fact_recorded", "a#2:call:0", {"value": {}}),
        ("fact_recorded", "l#1:model:0", {"value": {}}),
        ("heal_recorded", "a#2:heal:0", {"fault": {"kind": "rate_limit"}}),
        ("heal_recorded", "b#2:heal:0", {"fault": {"kind": "drift"}}),
        ("heal_recorded", "c#2:heal:0", {"fault": {"kind": "rate_limit"}}),
        ("verdict_given", "l#1:verdict:0", {"kind": "heal", "remedy": {"kind": "rewrite", "reasons": []}}),
        ("verdict_given", "a#1:verdict:0", {"kind": "heal", "remedy": {"kind": "wait"}}),
    )
    assert result == _plain(calls=2, heals={"drift": 1, "rate_limit": 2}, drafts_rejected=1)


def test_only_the_innermost_open_end_is_shown() -> None:
    """A failed item and its map stand behind the step that failed within them."""
    fault: JsonObject = {"kind": "refused"}
    result = _run(
        _end("each[0].award", "failed", reason="no", fault=fault),
        _end("each[0]", "failed", reason="no"),
        _end("each", "failed", reason="1 of 2 items failed"),
        _end("look", "parked", reason="open", next_action="look"),
        _end("fine", "done"),
    )
    assert result.failed == (OpenEnd(path="each[0].award", reason="no", fault=fault),)
    assert result.parked == (OpenEnd(path="look", reason="open", next_action="look"),)


def _resolution(path: str, decision: str, attempt: int = 1) -> Written:
    value: JsonObject = {"decision": decision, "by": "eve", "reason": "seen"}
    return ("fact_recorded", f"{path}#{attempt}:resolution:0", {"request": {"slot": "s"}, "value": value})


def _approval(path: str, *, approved: bool) -> Written:
    value: JsonObject = {"approved": approved, "by": "eve", "reason": ""}
    return ("fact_recorded", f"{path}#0:approval:0", {"request": {}, "value": value})


def _word(decision: str, *, is_open: bool) -> PersonsWord:
    return PersonsWord(
        path="mail", kind="resolution", decision=decision, by="eve", reason="seen", slot="s", is_open=is_open
    )


def test_a_word_is_open_until_it_was_acted_on() -> None:
    """It takes the place of the advice to decide, also through a resume that was interrupted; then it is history."""
    parked = _end("mail", "parked", reason="open", next_action="mendflow resolve r 'mail'")
    closed: Written = ("run_paused", "", {"status": "parked"})
    decided = (parked, closed, _resolution("mail", "resend"))
    resumed: Written = ("run_resumed", "", {})
    for result in (_run(*decided), _run(*decided, resumed, parked)):
        assert result.decisions == (_word("resend", is_open=True),)
        assert result.parked == (OpenEnd(path="mail", reason="open", next_action="mendflow resume r"),)
    again: Written = (
        "step_ended",
        "mail#2:end:0",
        {"status": "parked", "reason": "open", "next_action": "look"},
    )
    result = _run(*decided, again)
    assert result.decisions == (_word("resend", is_open=False),)
    assert result.parked == (OpenEnd(path="mail", reason="open", next_action="look"),)
    twice = _run(*decided, again, _resolution("mail", "done", 2))
    assert twice.decisions == (_word("resend", is_open=False), _word("done", is_open=True))


def test_approvals_are_words_as_well() -> None:
    """A yes is open until its step has ended; a run that is over has no open words."""
    yes = PersonsWord(path="ok", kind="approval", decision="approved", by="eve", reason="", is_open=True)
    assert _run(_approval("ok", approved=True)).decisions == (yes,)
    assert yes.told == "`approved` by eve"
    no = yes.model_copy(update={"decision": "denied", "is_open": False})
    over: Written = ("run_ended", "", {"status": "failed"})
    for after in (_end("ok", "failed"), over):
        assert _run(_approval("ok", approved=False), after).decisions == (no,)


def test_a_read_of_an_agent_is_no_step() -> None:
    """A read that failed was told to the model; it is not among what failed in the run."""
    result = _run(
        ("fact_recorded", "brief.read[0]#1:call:0", {"value": {}}),
        _end("brief.read[0]", "failed", reason="no such member"),
        _end("brief", "failed", reason="rounds are spent"),
    )
    assert [one.path for one in result.failed] == ["brief"]


def test_the_last_end_of_a_step_counts() -> None:
    """A step that was parked and done since is open no more."""
    assert _run(_end("a", "parked", reason="x"), ("step_ended", "a#2:end:0", {"status": "done"})).parked == ()


def test_a_resume_takes_the_closing_back() -> None:
    """A run that goes on is running again, until its next closing event."""
    waiting: list[JsonValue] = [{"path": "a", "for": "timer"}]
    paused: Written = (
        "run_paused",
        "",
        {"status": "waiting", "waiting": waiting, "due_at": NOON.isoformat()},
    )
    ended: Written = ("run_ended", "", {"status": "completed", "outputs": {"a": 1}})
    resumed: Written = ("run_resumed", "", {})
    assert _run(paused) == _plain(status="waiting", waiting=waiting, due_at=NOON)
    assert _run(paused, resumed) == _plain()
    assert _run(paused, resumed, ended) == _plain(status="completed", outputs={"a": 1})


@pytest.mark.parametrize("word", ["running", "", None, 7, "gone"])
def test_a_status_that_closes_nothing_is_running(word: JsonValue) -> None:
    """Anything but a closing word means that the run has not come to an end."""
    assert as_status(word) == "running"
