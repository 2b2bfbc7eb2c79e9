"""The search: every state that can be reached, breadth first, so that the first trace to a flaw is a shortest one."""

from array import array
from collections import Counter, deque
from dataclasses import dataclass, field

from tests.explorer.case import Case
from tests.explorer.properties import BROKEN_OFF, ENDLESS, STUCK, Properties
from tests.explorer.rules import SHIPPED, Rules
from tests.explorer.state import State
from tests.explorer.steps import Steps


@dataclass(slots=True)
class Findings:
    """What a search found."""

    case: str
    states: int = 0
    steps: int = 0
    flawed: int = 0
    """States that break a promise, or into which a step leads that does."""
    flaws: Counter[str] = field(default_factory=Counter)
    """By promise: how many states or steps break it."""
    traces: dict[str, list[str]] = field(default_factory=dict)
    """By promise: a shortest way to break it, in words."""
    taken: Counter[str] = field(default_factory=Counter)
    """How often each transition, verdict, remedy and standing was taken."""
    ends: Counter[str] = field(default_factory=Counter)
    """How many last states there are, by how the runs ended."""


class Search:
    """One search of one case under one set of rules."""

    def __init__(self, case: Case, rules: Rules = SHIPPED) -> None:
        self._steps = Steps(case, rules)
        self._properties = Properties(case, self._steps)
        self._found = Findings(case.name)
        start = self._steps.start
        self._numbers: dict[State, int] = {start: 0}
        self._states: list[State] = [start]
        self._parents = array("l", [-1])
        self._labels = array("l", [-1])
        self._edges = array("l")
        self._flawed: set[int] = set()

    def run(self, until: str = "") -> Findings:
        """Search until nothing is new, or until this promise is seen broken."""
        starts = array("l")
        number = 0
        while number < len(self._states) and until not in self._found.traces:
            starts.append(len(self._edges))
            self._expand(number)
            number += 1
        starts.append(len(self._edges))
        if not until:
            self._demand_ends(starts)
        self._found.states, self._found.steps = len(self._states), len(self._edges)
        self._found.flawed = len(self._flawed)
        self._count()
        return self._found

    def _expand(self, number: int) -> None:
        state = self._states[number]
        labels = self._steps.labels
        is_last = True
        for label, after in self._steps.moves(state):
            if after == state:
                continue
            is_last = False
            known = self._numbers.get(after)
            if known is None:
                known = self._numbers[after] = len(self._states)
                self._states.append(after)
                self._parents.append(number)
                self._labels.append(label)
                for flaw in self._properties.broken_by(after):
                    self._flaw(flaw, known, number, label)
            self._edges.append(known)
            if label in labels.broken:
                self._flaw(BROKEN_OFF, known, number, label)
            for flaw in self._properties.broken_between(state, after):
                self._flaw(flaw, known, number, label)
        if is_last:
            self._end(number)

    def _end(self, number: int) -> None:
        disks = self._states[number].disks
        if not all(disk.closed for disk in disks):
            self._flaw(STUCK, number, self._parents[number], self._labels[number])
        self._found.ends[" and ".join(self._steps.process.end_of(disk) for disk in disks)] += 1

    def _flaw(self, flaw: str, number: int, before: int, label: int) -> None:
        self._flawed.add(number)
        self._found.flaws[flaw] += 1
        if flaw not in self._found.traces:
            self._found.traces[flaw] = [*self._trace(before), self._steps.labels.words[label]]

    def _trace(self, number: int) -> list[str]:
        words: list[str] = []
        while self._parents[number] >= 0:
            words.append(self._steps.labels.words[self._labels[number]])
            number = self._parents[number]
        return words[::-1]

    def _demand_ends(self, starts: "array[int]") -> None:
        """Every path ends exactly if the graph has no circle: take away, again and again, what nothing leads to."""
        leading = array("l", bytes(8 * len(self._states)))
        for target in self._edges:
            leading[target] += 1
        free = deque(number for number, count in enumerate(leading) if count == 0)
        removed = 0
        while free:
            number = free.popleft()
            removed += 1
            for edge in range(starts[number], starts[number + 1]):
                target = self._edges[edge]
                leading[target] -= 1
                if leading[target] == 0:
                    free.append(target)
        if removed < len(self._states):
            number = next(one for one, count in enumerate(leading) if count)
            self._flaw(ENDLESS, number, self._parents[number], self._labels[number])

    def _count(self) -> None:
        rulings = self._steps.rulings
        self._found.taken.update(rulings.counts)
        for judgement in rulings.judgements:
            for tag in judgement.tags:
                self._found.taken[tag] += judgement.given
