"""What may happen at the vendor and on the wire, and what the vendor shows."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from tests.explorer.case import Case, Words
from tests.explorer.labels import Labels
from tests.explorer.rulings import Rulings
from tests.explorer.state import NONE, Flight, State
from tests.explorer.trades import LONG_AGO, MARKED, NOON, UNMARKED, Award, Said, Sight

Move = tuple[int, State]
"""The number of a step, and the state after it."""

_APPLIED: Final[Words] = {
    "plain": ("good", "drifted"),
    "answers": ("other amount", "HTML", "server error", "creating", "conflict"),
}
_UNAPPLIED: Final[Words] = {
    "plain": ("refused", "too many", "server error"),
    "answers": ("forbidden", "maintenance", "creating", "undocumented code"),
    "keys": ("not let in",),
}
_UNREAD: Final[Words] = {
    "plain": ("server error",),
    "answers": ("too many", "HTML", "another page", "without end", "lost fields"),
    "keys": ("not let in", "no key"),
    "switch": ("paused", "down"),
}


class Vendor:
    """The far side of one case: it may do all of this at any time."""

    def __init__(self, case: Case, rulings: Rulings, labels: Labels) -> None:
        self._case = case
        self._rulings = rulings
        self._labels = labels
        self._applied = case.words(_APPLIED)
        self._unapplied = case.words(_UNAPPLIED)
        self.unread = case.words(_UNREAD)
        """What a reading may bring that is of no use."""
        self._kinds = (UNMARKED, MARKED, LONG_AGO) if case.kind.spec.marker else (UNMARKED,)
        self.said: list[Said] = []
        self._said_ids: dict[Said, int] = {}

    def moves(self, state: State) -> Iterator[Move]:
        """Yield what may become of requests that travel, a delayed listing, and awards of others."""
        for place, flight in enumerate(state.flying):
            if place == 0 or state.flying[place - 1] != flight:
                rest = state.flying[:place] + state.flying[place + 1 :]
                yield from self._arrives(state._replace(flying=rest), flight)
        for place, one in enumerate(state.hidden):
            if place == 0 or state.hidden[place - 1] != one:
                hidden = state.hidden[:place] + state.hidden[place + 1 :]
                after = state._replace(hidden=hidden, shown=(one[1], *state.shown))
                yield self._labels.of("is listed", one[1]), after
        if state.left.others:
            left = state.left._replace(others=state.left.others - 1)
            for kind in self._kinds:
                shown = (*state.shown, kind) if kind == LONG_AGO else (kind, *state.shown)
                after = state._replace(shown=shown, left=left)
                yield self._labels.of("others", kind), after

    def _arrives(self, state: State, flight: Flight) -> Iterator[Move]:
        run, worker = flight.run, flight.worker
        yield self._labels.of("lost", run), state
        for what, after, answers in self._takes_effect(state, flight):
            yield self._labels.of(what, run), after
            if worker != NONE:
                for word in answers:
                    yield self._labels.of("answers", run, word, what), self._mailed(after, worker, word)
        if worker != NONE:
            for word in self._unapplied:
                yield self._labels.of("turns away", run, word), self._mailed(state, worker, word)

    def _takes_effect(self, state: State, flight: Flight) -> Iterator[tuple[str, State, tuple[str, ...]]]:
        """Yield how the request may take effect, and what the vendor may answer then."""
        known = len(self.effects(state, self._rulings.slots[flight.run]))
        repetition = self._case.kind.repetition
        if known and repetition == "keyed":
            yield "repeats", state, ("taken", "server error")
        elif (known and repetition == "same") or known > 1:  # more than two are no worse than two
            yield "repeats", state, self._applied
        else:
            yield "takes place", state._replace(shown=(flight.run, *state.shown)), self._applied
            if self._case.is_read_about:
                hidden = tuple(sorted((*state.hidden, (flight.age, flight.run))))
                yield "hides", state._replace(hidden=hidden), self._applied

    def effects(self, state: State, slot: int) -> list[int]:
        """Return the runs whose requests took effect under a slot."""
        slots = self._rulings.slots
        awards = (*state.shown, *(run for _, run in state.hidden))
        return [run for run in awards if run >= 0 and slots[run] == slot]

    def _mailed(self, state: State, number: int, said: Said) -> State:
        worker = state.workers[number]
        if worker is None:
            raise TypeError("an answer goes to who waits for it")
        return state.with_worker(number, worker._replace(mail=self.number_of(said)))

    def number_of(self, said: Said) -> int:
        """Return the number of an answer."""
        if said not in self._said_ids:
            self._said_ids[said] = len(self.said)
            self.said.append(said)
        return self._said_ids[said]

    def sight(self, state: State, page: int) -> Sight:
        """Return what a reading shows at this moment."""
        awards = tuple(self._as_listed(one) for one in state.shown)
        if self._case.kind.spec.marker:  # a listing with one award a page
            return Sight(awards[page - 1 : page], page, max(1, len(awards)))
        return Sight(awards, page, 1)

    def _as_listed(self, award: int) -> Award:
        amount = self._case.amounts[max(award, 0)]
        if award == LONG_AGO:
            return Award(None, amount, is_ours=False, created=NOON - timedelta(days=2))
        if award < 0:
            return Award("not-ours" if award == MARKED else None, amount, is_ours=False)
        marker = self._rulings.calls[award].arguments.get("slot")
        if self._case.listed == "as sent":
            return Award(marker if isinstance(marker, str) else None, amount, is_ours=True)
        return Award(None, amount + (self._case.listed == "altered"), is_ours=True)
