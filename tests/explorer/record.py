"""What a living process does to the journal, as the shipped store and tape do it."""

from collections.abc import Callable

from mendflow.connectors.errors import MendflowError
from mendflow.graph.engine.slots import MOST_SLOT_WAITS

from tests.explorer.case import Case
from tests.explorer.labels import Labels
from tests.explorer.rules import Rules
from tests.explorer.rulings import Rulings
from tests.explorer.state import (
    ASKED,
    CLAIMED,
    ENDED_STANDINGS,
    ENDING,
    FACT,
    FRESH,
    INTENT,
    KNOWN,
    NONE,
    READY,
    SLOT,
    STANDINGS,
    Disk,
    Row,
    State,
    Worker,
)
from tests.explorer.trades import Said
from tests.explorer.vendor import Move


class Record:
    """The journal of one case. Each write asks first whether the writer's epoch is the present one."""

    def __init__(self, case: Case, rules: Rules, rulings: Rulings, labels: Labels) -> None:
        self._case = case
        self._rules = rules
        self._rulings = rulings
        self._labels = labels

    def attempted(self, label: int, state: State, number: int, write: Callable[[State, int], State]) -> Move:
        """Write, or end the process with an error of its own."""
        try:
            return label, write(state, number)
        except MendflowError as error:
            return self.broken_off(state, number, error)

    def broken_off(self, state: State, number: int, error: MendflowError) -> Move:
        """End a process that may not write what it wants to."""
        reason = f"{type(error).__name__}: {error.message}"
        return self._labels.breaks_off(number, reason), abandoned(state, number).with_worker(number, None)

    def committed(self, state: State, number: int) -> State:
        """`Tables.append` with the change of an effect: what was posted comes on disk."""
        worker, run = self._writer(state, number)
        if not worker.pending:
            return state
        disk, slot = state.disks[run], self._rulings.slots[run]
        ruling = self._rulings.rulings[disk.said]
        if ruling.change is not None:
            row = state.rows[slot]
            effect = self._rulings.change(disk.said, row.effect, run, row.holder)
            state = state.with_row(slot, Row(effect, run))
        state = state.with_disk(run, disk._replace(stage=FRESH if ruling.end == "on" else KNOWN))
        return state.with_worker(number, worker._replace(pending=False))

    def renewed(self, state: State, number: int, *, changed: bool) -> Move:
        """`distributor._renew`: the reading of the key's source is a fact."""

        def write(at: State, number: int) -> State:
            at = self.committed(at, number)
            worker, run = self._writer(at, number)
            course = self._rulings.renewed(worker.course, changed=changed)
            at = at.with_disk(run, Disk(FRESH, course, 0, NONE, NONE, closed=False))
            return at.with_worker(number, worker._replace(course=course))

        return self.attempted(self._labels.of("renews", number, changed), state, number, write)

    def claimed(self, state: State, number: int) -> Move:
        """`RecordingTape.claim`, awaited: the row and the intent, or who has the slot, in one transaction."""
        try:
            state = self.committed(state, number)
            worker, run = self._writer(state, number)
            slot = self._rulings.slots[run]
            row = state.rows[slot]
            standing, effect = self._rulings.claim(run, worker.course, row.holder, row.effect)
        except MendflowError as error:
            return self.broken_off(state, number, error)
        label = self._labels.claims(number, standing, effect)
        if standing != "mine":
            disk = Disk(SLOT, worker.course, 0, STANDINGS.index(standing), NONE, closed=False)
            elsewhere = self.without_slot(worker, disk, reopened=False)
            return label, state.with_disk(run, disk).with_worker(number, elsewhere)
        undo = None if self._rules.intent_is_awaited else (row, state.disks[run])
        state = state.with_row(slot, Row(effect, run))
        state = state.with_disk(run, Disk(INTENT, worker.course, 0, NONE, NONE, closed=False))
        return label, state.with_worker(number, worker._replace(phase=CLAIMED, mail=NONE, undo=undo))

    def without_slot(self, worker: Worker, disk: Disk, *, reopened: bool) -> Worker:
        """`slots.judge_claim`, with a smaller bound of waits."""
        standing = STANDINGS[disk.said]
        waits = len(self._rulings.courses[disk.course].healing)
        if standing in ENDED_STANDINGS:
            return worker._replace(phase=ENDING)
        if standing == "held" and waits < min(self._case.slot_waits, MOST_SLOT_WAITS):
            return worker._replace(phase=READY, course=self._rulings.waited(disk.course), wait=1)
        if not reopened:
            return worker._replace(phase=ENDING)
        return worker._replace(phase=READY, course=self._rulings.reopened(disk.course), wait=0)

    def received(self, state: State, number: int, said: Said) -> Move:
        """`RecordingTape.fact`, awaited, then `calls.judge_call`."""
        try:
            judgement, after = self.judged(self.committed(state, number), number, said)
        except MendflowError as error:
            return self.broken_off(state, number, error)
        return self._labels.receives(number, said, judgement), after

    def judged(self, state: State, number: int, said: Said) -> tuple[int, State]:
        """Write what came back and decide; the decision is posted, not awaited (`RecordingTape.decide`)."""
        worker, run = self._writer(state, number)
        judgement = self._rulings.judge(run, worker.course, said)
        one = self._rulings.judgements[judgement].ruling
        ruling = self._rulings.rulings[one]
        elapsed = worker.wait if worker.phase == ASKED else 0
        course, resent = (self._rulings.older(it, elapsed) for it in (ruling.course, ruling.resent))
        disk = Disk(FACT, course, ruling.wait, one, resent, closed=False)
        decided = self.decided(worker._replace(undo=None), disk)
        return judgement, state.with_disk(run, disk).with_worker(number, decided)

    def decided(self, worker: Worker, disk: Disk) -> Worker:
        """Return a worker after its verdict."""
        phase = READY if self._rulings.rulings[disk.said].end == "on" else ENDING
        return worker._replace(phase=phase, course=disk.course, wait=disk.wait, mail=NONE, pending=True)

    def closed(self, state: State, number: int) -> State:
        """`run._go_on` awaits `Store.note`, and with it all that was posted before."""
        state = self.committed(state, number)
        _, run = self._writer(state, number)
        return state.with_disk(run, state.disks[run]._replace(closed=True)).with_worker(number, None)

    def _writer(self, state: State, number: int) -> tuple[Worker, int]:
        worker, run = state.workers[number], self._case.crew[number]
        if worker is None:
            raise TypeError("the dead do not write")
        self._rules.admit_writer(f"run-{run}", int(worker.owns), 1)
        return worker, run


def abandoned(state: State, number: int) -> State:
    """Let a request travel on when nobody waits for its answer any more."""
    flying = [one._replace(worker=NONE) if one.worker == number else one for one in state.flying]
    return state._replace(flying=tuple(sorted(flying)))
