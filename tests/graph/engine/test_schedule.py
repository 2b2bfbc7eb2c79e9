"""The scheduling rule, for every workflow and every course of events."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from mendflow.graph.engine.schedule import Schedule, next_steps
from mendflow.graph.engine.state import FINISHED, StepState
from mendflow.graph.language.plan import CallStep, Place, Step

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_OUTCOMES = ("done", "done", "skipped", "failed", "parked", "blocked", "timer")


def _step(name: str, *needs: str) -> Step:
    place = Place(file="w.yaml", line=1, column=1)
    return CallStep(id=name, needs=needs, place=place, connection="shop", operation="x")


@st.composite
def _plans(draw: st.DrawFn) -> tuple[Step, ...]:
    """Draw steps whose needs form no cycle, in any order of the file."""
    count = draw(st.integers(0, 8))
    steps: list[Step] = []
    for number in range(count):
        needs = draw(st.lists(st.integers(0, number - 1), unique=True, max_size=3)) if number else []
        steps.append(_step(f"s{number}", *[f"s{need}" for need in needs]))
    return tuple(draw(st.permutations(steps)))


def _blocked(seconds: float | None) -> StepState:
    state: StepState = {"status": "blocked", "node": "distributor", "job": {}}
    return state if seconds is None else {**state, "until": (NOON + timedelta(seconds=seconds)).isoformat()}


def _check(steps: tuple[Step, ...], states: dict[str, StepState], found: Schedule) -> None:
    """Demand what holds of every schedule."""
    for step in found.ready:
        assert step.id not in states
        assert all(states[need]["status"] == "done" for need in step.needs)
    by_id = {step.id: step for step in steps}
    gone = {
        name for name, entry in states.items() if entry["status"] in FINISHED and entry["status"] != "done"
    }
    gone |= {name for name, _ in found.skipped}
    for name, reason in found.skipped:
        assert name not in states
        assert any(need in gone and f"`{need}`" in reason for need in by_id[name].needs)
    acts = bool(found.ready or found.skipped or found.due or found.joined)
    assert not (found.over and (acts or found.wait_until))
    assert not (found.wait_until and acts)


@settings(max_examples=200)
@given(_plans(), st.data())
def test_every_run_comes_to_its_end(steps: tuple[Step, ...], data: st.DataObject) -> None:
    """Whatever becomes of the steps, there is always something to do until all is over."""
    states: dict[str, StepState] = {}
    now = NOON
    for _ in range(10 * len(steps) + 2):
        found = next_steps(steps, states, now)
        _check(steps, states, found)
        if found.over:
            break
        for name, _reason in found.skipped:
            states[name] = {"status": "skipped"}
        for name in [*[step.id for step in found.ready], *found.due]:
            states[name] = {"status": "running"}
        if found.wait_until is not None:
            assert found.wait_until > now
            now = found.wait_until
        running = sorted(name for name, entry in states.items() if entry["status"] == "running")
        if running:
            name = data.draw(st.sampled_from(running))
            outcome = data.draw(st.sampled_from(_OUTCOMES))
            seconds = data.draw(st.integers(1, 50))
            if outcome == "timer":
                states[name] = _blocked((now - NOON).total_seconds() + seconds)
            else:
                states[name] = _blocked(None) if outcome == "blocked" else {"status": outcome}
    else:
        raise AssertionError("the run goes round in circles")
    stuck = {step.id for step in steps} - set(states)
    assert all(
        any(
            states.get(need, {"status": "unseen"})["status"] in ("blocked", "parked", "unseen")
            for need in step.needs
        )
        for step in steps
        if step.id in stuck
    )


def test_a_skip_runs_through_to_the_end() -> None:
    """All that hangs on a failed step is skipped at once, each naming its own need."""
    steps = (_step("c", "b"), _step("b", "a"), _step("a"), _step("d", "x"), _step("x"))
    states: dict[str, StepState] = {"a": {"status": "failed"}, "x": {"status": "done"}}
    found = next_steps(steps, states, NOON)
    assert found == Schedule(
        ready=(steps[3],),
        skipped=(("b", "it needs `a`, which is failed"), ("c", "it needs `b`, which is skipped")),
    )


def test_a_step_behind_a_blocked_or_parked_one_stays() -> None:
    """What needs such a step is neither run nor skipped: a resume may go on with it."""
    steps = (_step("a"), _step("b", "a"))
    assert next_steps(steps, {"a": _blocked(None)}, NOON) == Schedule(over=True)
    assert next_steps(steps, {"a": {"status": "parked"}}, NOON) == Schedule(over=True)


def test_the_nearest_moment_is_waited_for() -> None:
    """Of several timers the first one counts, and only when nothing else can be done."""
    steps = (_step("a"), _step("b"), _step("c"), _step("d"))
    states = {"a": _blocked(30), "b": _blocked(10), "c": _blocked(None)}
    assert next_steps(steps, states, NOON) == Schedule(ready=(steps[3],))
    states["d"] = {"status": "running"}
    assert next_steps(steps, states, NOON) == Schedule()
    states["d"] = {"status": "done"}
    assert next_steps(steps, states, NOON) == Schedule(wait_until=NOON + timedelta(seconds=10))
    assert next_steps(steps, states, NOON + timedelta(seconds=10)) == Schedule(due=("b",))


def test_an_author_is_joined_when_all_its_reads_are_back() -> None:
    """Not before the last read has come to an end, however it ended."""
    steps = (_step("brief"),)
    states: dict[str, StepState] = {
        "brief": {"status": "reading", "reads": ["brief.read[0]", "brief.read[1]"]},
        "brief.read[0]": {"status": "failed"},
        "brief.read[1]": {"status": "running"},
    }
    assert next_steps(steps, states, NOON) == Schedule()
    states["brief.read[1]"] = {"status": "done"}
    assert next_steps(steps, states, NOON) == Schedule(joined=("brief",))


def test_nothing_to_do_is_over() -> None:
    """A workflow without steps, or with all of them finished, is over."""
    assert next_steps((), {}, NOON) == Schedule(over=True)
    assert next_steps((_step("a"),), {"a": {"status": "parked"}}, NOON) == Schedule(over=True)
