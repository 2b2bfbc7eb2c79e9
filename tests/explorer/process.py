"""What a process does next, from its start to its end: the order in which the engine uses the rules.

This order is all that the explorer writes down itself; each step names the shipped function that it stands for.
A process that stands still (stopped, starved, swapped out) needs no step of its own: all others go on around it.
"""

from collections.abc import Iterator
from typing import Final

from tests.explorer.case import Case, Words
from tests.explorer.labels import Labels
from tests.explorer.record import Record, abandoned
from tests.explorer.rules import Rules
from tests.explorer.rulings import Rulings
from tests.explorer.state import (
    ASKED,
    CLAIMED,
    DECISIONS,
    ENDING,
    FACT,
    INTENT,
    KNOWN,
    NONE,
    READY,
    RULED,
    SENT,
    SLOT,
    STANDINGS,
    Disk,
    Flight,
    Row,
    State,
    Worker,
)
from tests.explorer.trades import SETTLE
from tests.explorer.vendor import Move, Vendor

_UNSENT: Final[Words] = {"plain": ("unreachable",), "keys": ("no key",), "switch": ("paused", "down")}


class Process:
    """The processes of one case."""

    def __init__(self, case: Case, rules: Rules, rulings: Rulings, labels: Labels, vendor: Vendor) -> None:
        self._case = case
        self._rules = rules
        self._rulings = rulings
        self._labels = labels
        self._vendor = vendor
        self._record = Record(case, rules, rulings, labels)
        self._unsent = case.words(_UNSENT)
        self._live = SETTLE if case.settle else 0

    def moves(self, state: State, number: int) -> Iterator[Move]:
        """Yield what may become of a worker."""
        worker = state.workers[number]
        if worker is None:
            yield from self._starts(state, number)
            return
        if worker.pending:  # the writer thread of `journal.sqlite` commits in its own time
            label = self._labels.of("commits", number)
            yield self._record.attempted(label, state, number, self._record.committed)
        yield from self._works(state, number, worker)
        if state.left.crashes:
            yield from self._dies(state, number, worker)

    # its start -------------------------------------------------------------------------------------------

    def _starts(self, state: State, number: int) -> Iterator[Move]:
        """`run.start` and `run.resume`: own the run, close its open intent, go on where the record ends."""
        run = self._case.crew[number]
        crew = [one for one, its in enumerate(self._case.crew) if its == run]
        alive = [one for one in crew if state.workers[one] is not None]
        is_first = number == min(one for one in crew if state.workers[one] is None)
        if not is_first or not self._rules.may_take_over(alive=bool(alive)):
            return
        left = state.left
        disk = state.disks[run]
        if alive:  # only under a rule that is wrong; counted as a mishap
            left = left._replace(crashes=left.crashes - 1)
        if disk.closed and self.end_of(disk) in {"done", "failed"}:
            return
        if disk.closed and disk.stage != RULED:  # a person resumes a run that is parked
            left = left._replace(visits=left.visits - 1)
        if min(left) < 0:
            return
        for one in alive:
            worker = state.workers[one]
            state = state.with_worker(one, worker and worker._replace(owns=False))
        state = state._replace(left=left).with_disk(run, disk._replace(closed=False))
        yield self._labels.of("starts", number, run), self._taken_up(state, number, run)

    def _taken_up(self, state: State, number: int, run: int) -> State:
        disk = state.disks[run]
        worker = Worker(READY, disk.course, disk.wait, self._live, NONE, owns=True, pending=False, undo=None)
        if disk.stage == INTENT:  # run._close_open_intents
            return self._record.judged(state.with_worker(number, worker), number, self._rules.crash)[1]
        return state.with_worker(number, self._from_record(worker, disk))

    def _from_record(self, worker: Worker, disk: Disk) -> Worker:
        """Return the worker at the end of the record: what is decided is obeyed."""
        ending = worker._replace(phase=ENDING)
        if disk.stage == FACT:
            return self._record.decided(worker, disk)
        if disk.stage == SLOT:
            return self._record.without_slot(worker, disk, reopened=True)
        if disk.stage == RULED:  # calls._ruled
            is_resent = DECISIONS[disk.said] == "resend"
            return worker._replace(course=disk.resent, wait=0) if is_resent else ending
        if disk.stage == KNOWN:  # calls._park and calls._fail, reopened: look again, or begin again
            return worker._replace(wait=0) if disk.course != NONE else ending
        return worker

    # its work --------------------------------------------------------------------------------------------

    def _works(self, state: State, number: int, worker: Worker) -> Iterator[Move]:
        if worker.phase == READY:
            yield from self._begins(state, number, worker)
        elif worker.phase == CLAIMED:
            yield self._sends(state, number, worker)
            for word in self._unsent:
                yield self._record.received(state, number, word)
        elif worker.phase == ENDING:
            label = self._labels.of("ends", number, self.end_of(state.disks[self._case.crew[number]]))
            yield self._record.attempted(label, state, number, self._record.closed)
        else:
            yield self._record.received(abandoned(state, number), number, "nothing")
            if worker.mail != NONE:
                yield self._record.received(state, number, self._vendor.said[worker.mail])
            elif worker.phase == ASKED:
                yield from self._is_answered(state, number, worker)

    def _begins(self, state: State, number: int, worker: Worker) -> Iterator[Move]:
        """`distributor.distributor`, up to the first byte."""
        course = self._rulings.courses[worker.course]
        if worker.wait or (course.probe and worker.live):  # distributor._held_until
            return
        if course.renew_from:
            yield self._record.renewed(state, number, changed=True)
            yield self._record.renewed(state, number, changed=False)
        elif self._rulings.turn(self._case.crew[number], worker.course).is_reading:
            asking = worker._replace(phase=ASKED, wait=0, mail=NONE)
            yield self._labels.of("asks", number), state.with_worker(number, asking)
        else:
            yield self._record.claimed(state, number)

    def _sends(self, state: State, number: int, worker: Worker) -> Move:
        """`Connector.send`: the bytes leave. Nothing is asked of the journal here."""
        flying = tuple(sorted((*state.flying, Flight(0, self._case.crew[number], number))))
        sent = state._replace(flying=flying).with_worker(number, worker._replace(phase=SENT))
        return self._labels.of("sends", number), sent

    def _is_answered(self, state: State, number: int, worker: Worker) -> Iterator[Move]:
        """Let the vendor answer a reading with what it lists at this moment, or with what is of no use."""
        sight = self._vendor.sight(state, self._rulings.courses[worker.course].probe or 1)
        answered = worker._replace(mail=self._vendor.number_of(sight))
        yield self._labels.reads(number, sight), state.with_worker(number, answered)
        for word in self._vendor.unread:
            if word != "lost fields" or sight.awards:
                yield self._record.received(state, number, word)

    # its end ---------------------------------------------------------------------------------------------

    def _dies(self, state: State, number: int, worker: Worker) -> Iterator[Move]:
        """Kill a process: what it had posted may or may not be on disk, its request travels on."""
        left = state.left._replace(crashes=state.left.crashes - 1)
        dead = abandoned(state._replace(left=left), number).with_worker(number, None)
        yield self._labels.of("dies", number, not worker.pending), dead
        if worker.undo is not None:
            run = self._case.crew[number]
            row, disk = worker.undo
            forgotten = dead.with_row(self._rulings.slots[run], row).with_disk(run, disk)
            yield self._labels.of("forgets", number), forgotten

    def end_of(self, disk: Disk) -> str:
        """Return how a run stands by its last record: `on`, `done`, `failed` or `parked`."""
        if disk.stage in {KNOWN, FACT}:
            return self._rulings.rulings[disk.said].end
        if disk.stage == SLOT:
            standing = STANDINGS[disk.said]
            return {"done": "done", "held": "parked", "parked": "parked"}.get(standing, "failed")
        if disk.stage == RULED:
            return {"done": "done", "refused": "failed"}.get(DECISIONS[disk.said], "on")
        return "on"


class Person:
    """Somebody who looks at the vendor and tells the truth about a parked effect."""

    def __init__(self, case: Case, rulings: Rulings, labels: Labels, vendor: Vendor) -> None:
        self._case = case
        self._rulings = rulings
        self._labels = labels
        self._vendor = vendor

    def moves(self, state: State) -> Iterator[Move]:
        """Yield what a person may decide (`graph.engine.resolutions`): of a run at rest, about its last verdict."""
        if not state.left.visits:
            return
        at_work = {
            run for run, worker in zip(self._case.crew, state.workers, strict=True) if worker is not None
        }
        for run, disk in enumerate(state.disks):
            slot = self._rulings.slots[run]
            row = state.rows[slot]
            is_parked = row.holder == run and self._rulings.state_of(row.effect) == "parked"
            if run in at_work or disk.stage != KNOWN or not is_parked or disk.resent == NONE:
                continue
            took_place = bool(self._vendor.effects(state, slot))
            is_on_its_way = any(self._rulings.slots[one.run] == slot for one in state.flying)
            for number, decision in enumerate(DECISIONS):
                if took_place if decision == "done" else not took_place and not is_on_its_way:
                    effect = self._rulings.decided(row.effect, decision)
                    left = state.left._replace(visits=state.left.visits - 1)
                    told = disk._replace(stage=RULED, said=number)
                    after = state._replace(left=left).with_row(slot, Row(effect, run)).with_disk(run, told)
                    yield self._labels.of("resolves", run, number), after
