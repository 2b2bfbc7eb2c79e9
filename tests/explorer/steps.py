"""Everything that may happen next in one case under one set of rules."""

from collections.abc import Iterator

from tests.explorer.case import Case
from tests.explorer.labels import Labels
from tests.explorer.process import Person, Process
from tests.explorer.rules import Rules
from tests.explorer.rulings import Rulings
from tests.explorer.state import ASKED, FRESH, NONE, Disk, Flight, Left, Row, State, Worker
from tests.explorer.vendor import Move, Vendor


class Steps:
    """The transitions of one case."""

    def __init__(self, case: Case, rules: Rules) -> None:
        self.case = case
        self.rulings = Rulings(case, rules)
        self.labels = Labels(self.rulings)
        self.vendor = Vendor(case, self.rulings, self.labels)
        self.process = Process(case, rules, self.rulings, self.labels, self.vendor)
        self._person = Person(case, self.rulings, self.labels, self.vendor)

    @property
    def start(self) -> State:
        """Return the state before anything has happened."""
        case = self.case
        fresh = Disk(FRESH, self.rulings.first, 0, NONE, NONE, closed=False)
        return State(
            shown=(),
            hidden=(),
            flying=(),
            rows=(Row(NONE, NONE),) * (max(self.rulings.slots[: case.runs]) + 1),
            disks=(fresh,) * case.runs,
            workers=(None, None),
            left=Left(case.crashes, case.others if case.is_read_about else 0, case.visits),
        )

    def moves(self, state: State) -> Iterator[Move]:
        """Yield every step that may come next, with the state after it."""
        yield from self.vendor.moves(state)
        for number in range(len(state.workers)):
            yield from self.process.moves(state, number)
        yield from self._person.moves(state)
        if self._may_pass(state):
            yield self.labels.of("tick"), self._later(state)

    def _may_pass(self, state: State) -> bool:
        """Tell whether a tick may pass: what travels or is not listed yet comes to rest within the bound."""
        late = self.case.late
        under_way = [one.age for one in state.flying] + [age for age, _ in state.hidden]
        return late is None or all(age + 1 < late for age in under_way)

    def _later(self, state: State) -> State:
        shown, hidden, flying, rows, disks, workers, left = state
        if self.case.late is not None:
            flying = tuple([Flight(age + 1, run, worker) for age, run, worker in flying])
            hidden = tuple([(age + 1, run) for age, run in hidden])
        disks = tuple([self._disk_later(one) for one in disks])
        workers = tuple([one and self._worker_later(one) for one in workers])
        return State(shown, hidden, flying, rows, disks, workers, left)

    def _disk_later(self, disk: Disk) -> Disk:
        stage, course, wait, said, resent, closed = disk
        older = self.rulings.older
        return Disk(stage, older(course), max(0, wait - 1), said, older(resent), closed)

    def _worker_later(self, worker: Worker) -> Worker:
        phase, course, wait, live, mail, owns, pending, undo = worker
        live = max(0, live - 1)
        if phase != ASKED:
            course, wait = self.rulings.older(course), max(0, wait - 1)
        else:  # the course stays as it was when it asked: a reading shows the world of that moment (`Turn.judge`)
            wait = min(wait + 1, self.case.horizon)
        return Worker(phase, course, wait, live, mail, owns, pending, undo)
