"""Two histories with one normal form have one future: the claim on which the size of the search rests."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mendflow.verifier.course import Course, Turn
from mendflow.verifier.effect import Effect, intend, reopen

from tests.explorer.case import Case
from tests.explorer.cases import ALONE
from tests.explorer.normal import COURSE_FIELDS, EFFECT_FIELDS, normal_course, normal_effect, older
from tests.explorer.rules import SHIPPED
from tests.explorer.rulings import Led, follow
from tests.explorer.trades import NOON, SPOKEN, TICK, Award, Said, Sight, call_of, reply_of

_MARKER = "mf_1"
_AWARDS = [
    Award(_MARKER, 5, is_ours=True),
    Award("not-ours", 5, is_ours=False),
    Award(None, 5, is_ours=False),
    Award(None, 5, is_ours=False, created=NOON - timedelta(days=2)),
]
_SIGHTS = [
    Sight(awards, page, last)
    for awards in ((), *((one,) for one in _AWARDS))
    for page, last in ((1, 1), (1, 2), (2, 2))
]
_HISTORIES = st.lists(
    st.tuples(st.sampled_from(sorted(SPOKEN)) | st.sampled_from(_SIGHTS), st.integers(0, 3)), max_size=12
)


def turn_of(case: Case, course: Course) -> Turn:
    """Return the attempt that follows."""
    return Turn(case.kind.spec, call_of(case.kind, _MARKER, 5), course, case.means(0), case.kind.tools)


def led_to(case: Case, course: Course, said: Said) -> Led:
    """Return what an answer leads to."""
    turn = turn_of(case, course)
    reply = reply_of(case.kind, turn.exact, said)
    return follow(SHIPPED, turn, reply, parks_exhausted=case.parks_exhausted)


def told(case: Case, led: Led) -> object:
    """Return as much of it as the search looks at."""
    following = [None if one is None else normal_course(one, case.bounds) for one in (led.course, led.resent)]
    remedy = led.verdict.remedy.kind if led.verdict.kind == "heal" else ""
    return led.verdict.kind, remedy, led.end, led.wait, following


def later(course: Course, ticks: int) -> Course:
    """Return a course some ticks later, nothing forgotten."""
    attempts = [one.model_copy(update={"sent_at": one.sent_at - ticks * TICK}) for one in course.attempts]
    return course.model_copy(update={"attempts": tuple(attempts)})


def begun(effect: Effect) -> Effect:
    """Return the effect when it is sent, as `choose_slot` has it."""
    if effect.state == "refused":
        effect = Effect(slot=effect.slot, digest=effect.digest, repeatable=effect.repeatable)
    return intend(reopen(effect) if effect.state == "parked" else effect, NOON)


def changed(led: Led, effect: Effect) -> Effect:
    """Return the effect after the verdict."""
    return effect if led.change is None else led.change(effect)


@pytest.mark.parametrize(
    "case",
    [*ALONE, replace(ALONE[0], name="on_exhausted: park", parks_exhausted=True)],
    ids=lambda case: case.name,
)
@settings(deadline=None)
@given(history=_HISTORIES)
def test_a_normal_form_has_the_same_future(case: Case, history: list[tuple[Said, int]]) -> None:
    """Whatever came back in whatever order, at every step; people resume what is parked."""
    course = Course()
    effect = Effect(slot="s", digest="d", repeatable=turn_of(case, course).is_repeatable)
    for said, ticks in history:
        normal = normal_course(course, case.bounds)
        if course.renew_from:
            update = {"renew_from": "", "renewed": course.renewed + 1, "renewal_changed": bool(ticks % 2)}
            course, normal = (one.model_copy(update=update) for one in (course, normal))
        if not turn_of(case, course).is_reading:
            effect = begun(effect)
        led, normally = led_to(case, course, said), led_to(case, normal, said)
        assert told(case, led) == told(case, normally)
        effect, as_normal = changed(led, effect), changed(normally, normal_effect(effect))
        assert normal_effect(effect) == normal_effect(as_normal)
        if led.course is None:
            return
        course = later(led.course, ticks)
        aged = normal_course(led.course, case.bounds)
        for _ in range(ticks):
            aged = older(aged, case.bounds)
        assert normal_course(course, case.bounds) == aged


def test_normal_forms_know_every_field() -> None:
    """A field that is new may matter: think, then name it."""
    assert set(Course.model_fields) == COURSE_FIELDS
    assert set(Effect.model_fields) == EFFECT_FIELDS
