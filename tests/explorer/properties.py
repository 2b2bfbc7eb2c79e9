"""What must hold in every state and on every step (reliability, B.2)."""

from tests.explorer.case import Case
from tests.explorer.state import CLAIMED, INTENT, KNOWN, NONE, RULED, SENT, SLOT, State
from tests.explorer.steps import Steps

DOUBLED = "doubled: two effects stand at the vendor under one slot"
FALSE_DONE = "false done: it is called done, and nothing stands at the vendor"
FALSE_FAILED = "false failed: it is called failed, and it took place or still may"
FORGOTTEN = "forgotten: the journal says that nothing took place, and it did or still may"
UNPROVED = "unproved: the journal says that it took place, and it did not"
REWRITTEN = "rewritten: a terminal effect changed"
UNGUARDED = "unguarded: a request left without an intent on disk"
BROKEN_OFF = "broken off: the program refused to go on"
STUCK = "stuck: nothing more can happen, and a run has not ended"
ENDLESS = "endless: a course can go on for ever"


class Properties:
    """The promises of one case."""

    def __init__(self, case: Case, steps: Steps) -> None:
        self._may_double = case.may_repeat or case.second_may_repeat
        self._keys = [case.keys.index(key) for key in case.keys]
        """By run: the business key, however the rules name its slot; there may be one effect of each."""
        self._wanted = list(zip(self._keys, case.amounts, strict=True))
        """By run: the effect that it wants."""
        self._steps = steps

    def broken_by(self, state: State) -> list[str]:
        """Return the promises that a state breaks."""
        keys, wanted = self._keys, self._wanted
        there = [run for run in (*state.shown, *(run for _, run in state.hidden)) if run >= 0]
        coming = [flight.run for flight in state.flying]
        broken: list[str] = []
        if not self._may_double and len({keys[run] for run in there}) < len(there):
            broken.append(DOUBLED)
        for run, disk in enumerate(state.disks):
            if disk.stage in {KNOWN, SLOT, RULED}:
                end = self._steps.process.end_of(disk)
                if end == "done" and all(wanted[one] != wanted[run] for one in there):
                    broken.append(FALSE_DONE)
                if end == "failed" and (run in there or run in coming):
                    broken.append(FALSE_FAILED)
        slots = self._steps.rulings.slots
        for slot, row in enumerate(state.rows):
            stands = self._steps.rulings.state_of(row.effect)
            if stands in {"planned", "refused"} and any(slots[one] == slot for one in (*there, *coming)):
                broken.append(FORGOTTEN)
            if stands == "done" and all(slots[one] != slot for one in there):
                broken.append(UNPROVED)
        return broken

    def broken_between(self, before: State, after: State) -> list[str]:
        """Return the promises that a step breaks."""
        broken: list[str] = []
        state_of = self._steps.rulings.state_of
        if before.rows != after.rows:
            for old, new in zip(before.rows, after.rows, strict=True):
                was, now = state_of(old.effect), state_of(new.effect)
                if old != new and (was == "done" or (was == "refused" and now != "intent")):
                    broken.append(REWRITTEN)
        for number, worker in enumerate(after.workers):
            earlier = before.workers[number]
            if worker and earlier and worker.phase == SENT and earlier.phase == CLAIMED:
                run = self._steps.case.crew[number]
                row = before.rows[self._steps.rulings.slots[run]]
                is_intended = row.holder == run and row.effect != NONE and state_of(row.effect) == "intent"
                if worker.undo is not None or not is_intended or before.disks[run].stage != INTENT:
                    broken.append(UNGUARDED)
        return broken
