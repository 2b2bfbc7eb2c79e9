"""What the rules say, asked once for each question and remembered: courses, effects and rulings become numbers."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Self, assert_never

from mendflow.connectors.contract import JsonObject, Reply
from mendflow.connectors.errors import MendflowError
from mendflow.graph.engine.distributor import marker_of
from mendflow.journal.canonical import digest
from mendflow.journal.claims import SlotRequest
from mendflow.journal.store import Held
from mendflow.verifier.course import Course, Turn
from mendflow.verifier.effect import Decision, Effect, conclude, intend, park, resolve
from mendflow.verifier.outcome import Standing, classify
from mendflow.verifier.verdict import Failed, Healing, Parked, Passed, Verdict
from pydantic import PrivateAttr

from tests.explorer.case import Case
from tests.explorer.normal import normal_course, normal_effect, older, waited
from tests.explorer.rules import Rules
from tests.explorer.state import NONE
from tests.explorer.trades import NOON, TICK, Said, call_of, reply_of

End = Literal["on", "done", "failed", "parked"]
Change = Callable[[Effect], Effect]

_FINAL = frozenset({"refused", "invalid_arguments", "forbidden"})
"""Faults on which a step fails whatever its `on_exhausted` says (`graph.engine.calls._fail`)."""
_PROOF: JsonObject = {"proof": "p"}


class Watched(Effect):
    """An effect that notes the transitions it makes."""

    _path: tuple[str, ...] = PrivateAttr(default=())

    def model_copy(self, *, update: Mapping[str, object] | None = None, deep: bool = False) -> Self:
        """Copy, and note the change of state."""
        after = super().model_copy(update=update, deep=deep)
        if update and "state" in update:
            after._path = (*self._path, f"{self.state} -> {after.state}")
        return after

    @property
    def path(self) -> tuple[str, ...]:
        """Return the transitions since it was made."""
        return self._path


@dataclass(frozen=True, slots=True)
class Stored:
    """An effect that a transition leaves in the journal, and the steps of the state machine that led to it."""

    effect: int
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Led:
    """What the verdict on a reply leads to, as the rules say it (`graph.engine.calls.judge_call`)."""

    verdict: Verdict
    end: End
    change: Change | None
    course: Course | None = None
    """The course that follows; where it parks, the one that looks again after a resume."""
    wait: int = 0
    """Ticks until then."""
    resent: Course | None = None
    """The course after a person said that nothing took place."""


def follow(rules: Rules, turn: Turn, reply: Reply, *, parks_exhausted: bool) -> Led:
    """Judge a reply and say what follows."""
    verdict = rules.judge(turn, reply)
    change = rules.transition(turn, reply, verdict)
    match verdict:
        case Passed() if turn.counts_first:
            return Led(verdict, "on", change, turn.counted(reply))
        case Passed():
            return Led(verdict, "done", change)
        case Healing():
            course, until = rules.after(turn, reply, verdict)
            return Led(verdict, "on", change, course, math.ceil((until - NOON) / TICK))
        case Parked():
            again, resent = turn.looked_at_again(reply, verdict), turn.sent_once_more(reply, verdict)
            return Led(verdict, "parked", change, again, resent=resent)
        case Failed() if parks_exhausted and verdict.fault.kind not in _FINAL:
            return Led(verdict, "parked", change, turn.begun_again())
        case Failed():
            return Led(verdict, "failed", change)
        case never:
            assert_never(never)


@dataclass(frozen=True, slots=True)
class Ruling:
    """The same in numbers; replies that lead to the same have one ruling."""

    end: End
    course: int
    wait: int
    resent: int
    change: Change | None
    changed: dict[int, Stored] = field(default_factory=dict)
    """By effect: what the change makes of it."""


@dataclass(slots=True)
class Judgement:
    """The verdict on one reply to one course."""

    ruling: int
    words: str
    tags: tuple[str, ...]
    given: int = 0
    """How often."""


class Rulings:
    """The memory of one case under one set of rules."""

    def __init__(self, case: Case, rules: Rules) -> None:
        self.case = case
        self._rules = rules
        self._means = [rules.means(case.means(run)) for run in (0, 1)]
        plain = [call_of(case.kind, "", amount) for amount in case.amounts]
        digests = [digest(call.model_dump(mode="json")) for call in plain]
        self.names = [rules.slot(key, one) for key, one in zip(case.keys, digests, strict=True)]
        """By run: the name of its slot."""
        self.slots = [self.names.index(name) for name in self.names]
        """By run: the number of its slot."""
        self.calls = [
            call_of(case.kind, marker_of(name), amount)
            for name, amount in zip(self.names, case.amounts, strict=True)
        ]
        self.courses: list[Course] = []
        self.effects: list[Effect] = []
        self.rulings: list[Ruling] = []
        self.judgements: list[Judgement] = []
        self.counts: Counter[str] = Counter()
        """How often each transition of the effect and each standing of a claim was taken."""
        self._course_ids: dict[str, int] = {}
        self._effect_ids: dict[str, int] = {}
        self._ruling_ids: dict[tuple[object, ...], int] = {}
        self._judged: dict[tuple[int, int, Said], int] = {}
        self._claimed: dict[tuple[int, int, int, int], tuple[str, Stored | None]] = {}
        self._older = {NONE: NONE}
        self._waited: dict[int, int] = {}
        self._reopened: dict[int, int] = {}
        self._renewed: dict[tuple[int, bool], int] = {}
        self.first = self.course(Course())
        self._samples = tuple(_samples(self.names[0]))

    # courses ---------------------------------------------------------------------------------------------

    def course(self, course: Course) -> int:
        """Return the number of a course as it stands now."""
        normal = normal_course(course, self.case.bounds)
        key = normal.model_dump_json()
        if key not in self._course_ids:
            self._course_ids[key] = len(self.courses)
            self.courses.append(normal)
        return self._course_ids[key]

    def older(self, number: int, ticks: int = 1) -> int:
        """Return the course as it stands some ticks later."""
        for _ in range(ticks):
            if number not in self._older:
                aged = older(self.courses[number], self.case.bounds)
                self._older[number] = self.course(aged)
            number = self._older[number]
        return number

    def waited(self, number: int) -> int:
        """Return the course after one wait for a slot (`graph.engine.slots._wait`)."""
        if number not in self._waited:
            self._waited[number] = self.course(waited(self.courses[number]))
        return self._waited[number]

    def reopened(self, number: int) -> int:
        """Return the course of a run that a person resumed before a slot (`graph.engine.slots._park`)."""
        if number not in self._reopened:
            course = self.courses[number].model_copy(update={"healing": ()})
            self._reopened[number] = self.course(course)
        return self._reopened[number]

    def renewed(self, number: int, *, changed: bool) -> int:
        """Return the course after the credential's source was read (`graph.engine.distributor._renew`)."""
        if (number, changed) not in self._renewed:
            course = self.courses[number]
            update = {"renew_from": "", "renewed": course.renewed + 1, "renewal_changed": changed}
            self._renewed[number, changed] = self.course(course.model_copy(update=update))
        return self._renewed[number, changed]

    def turn(self, run: int, number: int) -> Turn:
        """Return the attempt that follows."""
        kind = self.case.kind
        return Turn(kind.spec, self.calls[run], self.courses[number], self._means[run], kind.tools)

    # effects ---------------------------------------------------------------------------------------------

    def effect(self, effect: Effect) -> int:
        """Return the number of an effect."""
        normal = normal_effect(effect)
        key = normal.model_dump_json()
        if key not in self._effect_ids:
            self._effect_ids[key] = len(self.effects)
            self.effects.append(normal)
        return self._effect_ids[key]

    def state_of(self, effect: int) -> str:
        """Return the state of an effect; `free` where there is none."""
        return "free" if effect == NONE else self.effects[effect].state

    def claim(self, run: int, course: int, holder: int, held: int) -> tuple[str, int]:
        """Return who has the slot after a claim, and the effect that is stored, or NONE (`choose_slot`)."""
        key = (run, course, holder, held)
        if key not in self._claimed:
            self._claimed[key] = self._choose(run, course, holder, held)
        standing, stored = self._claimed[key]
        self.counts[f"claim {standing}"] += 1
        return standing, NONE if stored is None else self._noted(stored)

    def _choose(self, run: int, course: int, holder: int, held: int) -> tuple[str, Stored | None]:
        turn = self.turn(run, course)
        before = None if held == NONE else Held(self._watched(held), f"run-{holder}", "gift")
        want = SlotRequest(
            run_id=f"run-{run}",
            path="gift",
            slot=self.names[run],
            request=turn.exact.model_dump(mode="json"),
            call_key="gift#1:call:0",
            refusal_key="gift#1:slot:0",
            at=NOON,
            repeatable=turn.is_repeatable,
            beyond="the cap is reached" if self.case.second_is_capped and run == 1 else "",
        )
        choice = self._rules.choose(before, want)
        if choice.effect is None:
            return str(choice.claim["standing"]), None
        was = None if before is None else (before.effect.state, before.effect.version)
        self._rules.admit_version(want.slot, was, choice.effect.version)
        taken = f"{'free' if before is None else before.effect.state} -> {choice.effect.state}"
        return str(choice.claim["standing"]), self._kept(choice.effect, taken)

    def change(self, ruling: int, held: int, run: int, holder: int) -> int:
        """Return the effect after a decision is written. Raises what the journal raises."""
        self._rules.admit_change(f"run-{run}", self.names[run], None if held == NONE else f"run-{holder}")
        one = self.rulings[ruling]
        if held not in one.changed and one.change is not None:
            one.changed[held] = self._stored(held, one.change)
        return self._noted(one.changed[held])

    def decided(self, held: int, decision: Decision) -> int:
        """Return the effect after a person's word is written (`graph.engine.resolutions.resolve_effect`)."""
        return self._noted(self._stored(held, lambda effect: resolve(effect, decision, _PROOF)))

    def _stored(self, held: int, step: Change) -> Stored:
        before = self._watched(held)
        after = step(before)
        self._rules.admit_version(before.slot, (before.state, before.version), after.version)
        return self._kept(after)

    def _watched(self, held: int) -> Watched:
        return Watched.model_validate(self.effects[held].model_dump())

    def _kept(self, effect: Effect, taken: str = "") -> Stored:
        """Return what is stored; `taken` is the way of an effect that begins anew."""
        return Stored(self.effect(effect), effect.path if isinstance(effect, Watched) else (taken,))

    def _noted(self, stored: Stored) -> int:
        for step in stored.path:
            self.counts[f"effect {step}"] += 1
        return stored.effect

    # rulings ---------------------------------------------------------------------------------------------

    def judge(self, run: int, course: int, said: Said) -> int:
        """Return the number of the judgement on what came back to an attempt."""
        key = (run, course, said)
        if key not in self._judged:
            self._judged[key] = len(self.judgements)
            self.judgements.append(self._judge(run, course, said))
        number = self._judged[key]
        self.judgements[number].given += 1
        return number

    def _judge(self, run: int, course: int, said: Said) -> Judgement:
        turn = self.turn(run, course)
        reply = reply_of(self.case.kind, turn.exact, said)
        led = follow(self._rules, turn, reply, parks_exhausted=self.case.parks_exhausted)
        again, resent = (NONE if one is None else self.course(one) for one in (led.course, led.resent))
        ruling = Ruling(led.end, again, led.wait, resent, led.change)
        looks = tuple(_result(led.change, sample) for sample in self._samples)
        key = (led.end, again, led.wait, resent, looks)
        if key not in self._ruling_ids:
            self._ruling_ids[key] = len(self.rulings)
            self.rulings.append(ruling)
        standing = classify(turn.asked, turn.exact, reply).standing
        tags = _tags(led.verdict, standing, by_reading=turn.is_reading)
        return Judgement(self._ruling_ids[key], f"{led.verdict.kind}: {_reason(led.verdict)}", tags)


def _samples(slot: str) -> list[Effect]:
    """Return an effect in each state, with and without an unknown attempt: two changes that treat all alike are one."""
    fresh = Effect(slot=slot, digest="d", repeatable=True)
    again = conclude(intend(fresh, NOON), "unknown", _PROOF)
    standings: tuple[Standing, ...] = ("not_sent", "refused", "done", "unknown")
    samples = [fresh, again]
    for one in (fresh, again):
        opened = intend(one, NOON)
        samples += [
            opened,
            *(conclude(opened, standing, _PROOF) for standing in standings),
            park(one, _PROOF),
        ]
    return [*samples, *(one.model_copy(update={"state": "reconciling"}) for one in (fresh, again))]


def _result(change: Change | None, sample: Effect) -> str:
    if change is None:
        return "none"
    try:
        return normal_effect(change(sample)).model_dump_json()
    except MendflowError as error:
        return error.code


def _reason(verdict: Verdict) -> str:
    match verdict:
        case Passed():
            return verdict.mends[0].proof if verdict.mends else "the reply is good"
        case Healing():
            return f"{verdict.remedy.kind} ({verdict.fault.detail})"
        case Parked() | Failed():
            return verdict.fault.detail
        case never:
            assert_never(never)


def _tags(verdict: Verdict, standing: str, *, by_reading: bool) -> tuple[str, ...]:
    """Return what this judgement is an instance of."""
    where = "reading" if by_reading else "sending"
    tags = [f"verdict {verdict.kind} on a {where}"]
    if not by_reading:
        tags.append(f"standing {standing}")
    if isinstance(verdict, Healing):
        tags.append(f"remedy {verdict.remedy.kind} after a {where}")
    if not isinstance(verdict, Passed):
        cause = verdict.fault.evidence.get("cause")  # what lies behind an unknown outcome
        tags += [f"fault {verdict.fault.kind}", *([f"fault {cause}"] if isinstance(cause, str) else [])]
    return tuple(tags)
