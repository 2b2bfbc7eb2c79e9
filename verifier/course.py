"""The course of one call: its attempts so far, what the next one does, and what a verdict leads to. Pure.

An attempt is one exchange with the vendor: the call itself, or a reading about it. The engine performs them and
keeps the record; every decision between two attempts is made here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from ..connectors.contract import Frozen, JsonObject, Reply, ToolCall, ToolSpec, TotalRead
from .effect import Effect, begin_settling, conclude, park, reopen, settled
from .judge import is_repeatable, judge
from .ledger import MOST_ATTEMPTS, MOST_PROBES, MOST_THROTTLED, Attempt, Ledger, proved_absent
from .object_read import total_of
from .outcome import Standing, classify
from .probing import probe_call
from .settling import judge_probe
from .verdict import Failed, Fault, Healing, Mend, Parked, Passed, Resend, Rewrite, Settle, Verdict

_PROOF = "the call then passed the Verifier"


class Healed(Frozen):
    """A remedy under way: it becomes a heal record when the call passes."""

    fault: Fault
    remedy: str


class Means(Frozen):
    """What a call may count on: declared for its connection, or by the author of the workflow."""

    settle: timedelta | None = None
    marker_trusted: bool = False
    may_repeat: bool = False
    inert: bool = False
    """Whether the workflow writes nothing."""
    salt: str = ""
    """Key of the call; spreads the waits."""
    most_attempts: int = MOST_ATTEMPTS
    most_throttled: int = MOST_THROTTLED
    most_probes: int = MOST_PROBES


class Course(Frozen):
    """How far one call has come, between two attempts."""

    attempt: int = 1
    """Number of the present attempt, readings included."""
    attempts: tuple[Attempt, ...] = ()
    """The sendings that were judged so far."""
    probe: int = 0
    """Page of the confirming read that this attempt makes; 0: the call itself."""
    probes: int = 0
    """Confirming reads that led nowhere."""
    listed: int | None = None
    """How many items the listing had when its first page was read."""
    total_before: int | None = None
    """What a total showed before the first sending."""
    is_counted: bool = False
    """Whether that total was read, or need not be."""
    renew_from: str = ""
    """Fingerprint of the credential that was refused, when the source is to be read again first."""
    renewed: int = 0
    renewal_changed: bool | None = None
    healing: tuple[Healed, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """One attempt of a call: what is asked, in whose place, and by what means."""

    spec: ToolSpec
    call: ToolCall
    course: Course
    means: Means
    tools: Mapping[str, ToolSpec]
    """The connector's operations, among them the confirming reads."""

    @property
    def counts_first(self) -> bool:
        """Whether this attempt reads the total that the call is to raise."""
        is_free = self.course.is_counted or self.means.may_repeat
        return isinstance(self.spec.confirm, TotalRead) and not is_free

    @property
    def is_reading(self) -> bool:
        """Whether this attempt reads about the call rather than making it."""
        return bool(self.course.probe) or self.counts_first

    @property
    def is_repeatable(self) -> bool:
        """Whether the call may be sent again while an earlier attempt is unknown."""
        return is_repeatable(self.spec, self.call, may_repeat=self.means.may_repeat)

    @property
    def asked(self) -> ToolSpec:
        """The operation that this attempt makes."""
        confirm = self.spec.confirm
        return self.tools[confirm.operation] if self.is_reading and confirm is not None else self.spec

    @property
    def exact(self) -> ToolCall:
        """What this attempt sends: the call itself, or the reading."""
        if not self.is_reading:
            return self.call
        return probe_call(self.spec, self.call, self.course.probe or 1, paging=self.asked.paging)

    def judge(self, reply: Reply) -> Verdict:
        """Judge what came back to this attempt."""
        ledger = self._ledger(reply)
        if self.counts_first:
            return judge(self.asked, self.exact, reply, ledger)
        if self.course.probe:
            return judge_probe(self.spec, self.call, self.asked, self.exact, reply, ledger)
        return judge(self.spec, self.call, reply, ledger)

    def _ledger(self, reply: Reply) -> Ledger:
        course, means = self.course, self.means
        # A reading shows the world as it was when it was asked, not when its answer came in.
        asked_at = reply.sent_at if course.probe and reply.sent_at is not None else reply.received_at
        return Ledger(
            attempts=course.attempts,
            now=asked_at,
            settle=means.settle,
            marker_trusted=means.marker_trusted,
            most_attempts=means.most_attempts,
            most_throttled=means.most_throttled,
            most_probes=means.most_probes,
            probes=course.probes,
            listed=course.listed,
            renewed=course.renewed,
            renewal_changed=course.renewal_changed,
            salt=means.salt,
            may_repeat=means.may_repeat,
            inert=means.inert,
            total_before=course.total_before,
        )

    def counted(self, reply: Reply) -> Course:
        """Return the course after the total was read: the call itself is next."""
        confirm = self.spec.confirm
        if not isinstance(confirm, TotalRead):
            raise TypeError(f"`{self.spec.operation}` has no total to read")
        total = total_of(confirm, classify(self.asked, self.exact, reply))
        return self.course.model_copy(
            update={
                "attempt": self.course.attempt + 1,
                "attempts": (),
                "total_before": total,
                "is_counted": True,
                "healing": (),
            }
        )

    def heals(self, passed: Passed) -> tuple[Mend, ...]:
        """Return a heal record for each remedy that led here: now its postcondition holds."""
        mends = [Mend(fault=one.fault, remedy=one.remedy, proof=_PROOF) for one in self.course.healing]
        if self.course.probe and mends and passed.mends:
            # the reading settled the fault that asked for it: one heal, not two
            mends[-1] = mends[-1].model_copy(update={"proof": passed.mends[0].proof})
            return tuple(mends)
        return (*mends, *passed.mends)

    def after(self, reply: Reply, verdict: Healing) -> tuple[Course, datetime]:
        """Return the course after a remedy is prescribed, and when it goes on."""
        remedy, now = verdict.remedy, reply.received_at
        following = self.course.model_copy(
            update={
                "attempt": self.course.attempt + 1,
                "attempts": self._judged(reply, verdict),
                "probe": 0,
                "healing": self._healing(verdict),
            }
        )
        key = reply.key_id or "unknown"
        match remedy.kind:
            case "wait":
                return following, now + remedy.duration
            case "renew":
                return following.model_copy(update={"renew_from": key}), now
            case "settle":
                led_nowhere = self.course.probe > 0 and remedy.page <= self.course.probe
                update: dict[str, object] = {
                    "probe": remedy.page,
                    "probes": self.course.probes + led_nowhere,
                    "listed": remedy.total,
                    "renew_from": key if remedy.renew else "",
                }
                return following.model_copy(update=update), now + remedy.after
            case "resend":
                update = {"probes": 0}
                if self.course.probe:
                    update["attempts"] = proved_absent(following.attempts)
                return following.model_copy(update=update), now + remedy.after
            case "rewrite":
                raise TypeError("a call is healed by what applies to calls")
            case never:
                assert_never(never)

    def looked_at_again(self, reply: Reply, verdict: Parked) -> Course | None:
        """Return the course when a person resumes a parked call: an open write is read about, the rest is made.

        None where nothing can be read and sending it could repeat it.
        """
        attempts = self._judged(reply, verdict)
        is_open = any(one.standing == "unknown" for one in attempts)
        must_read = not self.spec.is_read and is_open and not self.is_repeatable
        if must_read and self.spec.confirm is None:
            return None
        return self._afresh(attempts, probe=1 if must_read else 0)

    def begun_again(self) -> Course:
        """Return the course when the call is made once more from the start: no attempt of it took place."""
        return self._afresh((), probe=0)

    def sent_once_more(self, reply: Reply, verdict: Parked) -> Course:
        """Return the course when a person says that no attempt took place."""
        return self._afresh(proved_absent(self._judged(reply, verdict)), probe=0)

    def _afresh(self, attempts: tuple[Attempt, ...], *, probe: int) -> Course:
        return self.course.model_copy(
            update={
                "attempt": self.course.attempt + 1,
                "attempts": attempts,
                "probe": probe,
                "probes": 0,
                "renewed": 0,
                "renewal_changed": None,
            }
        )

    def _healing(self, verdict: Healing) -> tuple[Healed, ...]:
        """Return the remedies under way; what a reading leads to belongs to the fault that asked for it."""
        under_way = self.course.healing
        if not self.course.probe or not under_way:
            return (*under_way, Healed(fault=verdict.fault, remedy=verdict.remedy.kind))
        if verdict.remedy.kind == "settle":
            return under_way
        last = under_way[-1].model_copy(update={"remedy": f"settle, then {verdict.remedy.kind}"})
        return (*under_way[:-1], last)

    def _judged(self, reply: Reply, verdict: Healing | Parked) -> tuple[Attempt, ...]:
        """Return the ledger with this attempt; a confirming read is none of its own."""
        if self.course.probe:
            return self.course.attempts
        attempt = Attempt(
            number=self.course.attempt,
            sent_at=reply.received_at,
            standing=classify(self.asked, self.exact, reply).standing,
            fault_kind=verdict.fault.kind,
            remedy=verdict.remedy.kind
            if isinstance(verdict, Healing) and not isinstance(verdict.remedy, Rewrite)
            else None,
        )
        return (*self.course.attempts, attempt)

    def transition(self, reply: Reply, verdict: Verdict) -> Callable[[Effect], Effect] | None:
        """Return how the verdict moves the effect; None where the attempt concerns none."""
        if self.spec.is_read or self.counts_first:
            return None
        evidence = _evidence(verdict, by_reading=bool(self.course.probe))
        if self.course.probe:
            return lambda effect: _read_about(effect, verdict, evidence)
        standing = classify(self.spec, self.call, reply).standing
        return lambda effect: _sent(effect, standing, verdict, evidence)


def _evidence(verdict: Verdict, *, by_reading: bool) -> JsonObject:
    match verdict:
        case Passed():
            proof = verdict.mends[0].proof if by_reading and verdict.mends else "reply"
            return {"output": verdict.output, "proof": proof}
        case Parked():
            return {"fault": verdict.fault.model_dump(mode="json"), "next_action": verdict.next_action}
        case Healing() | Failed():
            return {"fault": verdict.fault.model_dump(mode="json")}
        case never:
            assert_never(never)


def _sent(effect: Effect, standing: Standing, verdict: Verdict, evidence: JsonObject) -> Effect:
    concluded = conclude(effect, standing, evidence, final=isinstance(verdict, Failed))
    match verdict:
        case Parked():
            return park(concluded, evidence)
        case Healing(remedy=Settle()):
            return begin_settling(concluded)
        case _:
            return concluded


def _read_about(effect: Effect, verdict: Verdict, evidence: JsonObject) -> Effect:
    if effect.state == "parked":  # a person resumed the run
        effect = reopen(effect)
    match verdict:
        case Passed():
            return settled(effect, "present", evidence)
        case Healing(remedy=Resend()) | Failed():
            return settled(effect, "absent", evidence)
        case Parked():
            return park(effect, evidence)
        case Healing():
            return begin_settling(settled(effect, "unreadable", evidence))
        case never:
            assert_never(never)
