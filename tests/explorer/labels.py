"""The steps of a trace in words."""

from collections.abc import Callable

from tests.explorer.rulings import Rulings
from tests.explorer.state import DECISIONS, NONE
from tests.explorer.trades import LONG_AGO, MARKED, UNMARKED, Said, Sight

_WORDS: dict[str, Callable[..., str]] = {
    "lost": lambda run: f"the request of run {run} is lost on its way",
    "takes place": lambda run: f"the request of run {run} takes place at the vendor",
    "hides": lambda run: f"the request of run {run} takes place at the vendor, which does not list it yet",
    "repeats": lambda run: f"the vendor knows the request of run {run} and does nothing more",
    "answers": lambda run, word, what: f"the request of run {run} {what} and the vendor answers: {word}",
    "turns away": lambda run, word: f"the vendor answers run {run} without an effect: {word}",
    "is listed": lambda run: f"the vendor now lists the award of run {run}",
    "others": lambda kind: {
        UNMARKED: "somebody else makes an equal award without a marker",
        MARKED: "somebody else makes an equal award with another marker",
        LONG_AGO: "there is an equal award of long ago",
    }[kind],
    "tick": lambda: "a tick passes",
    "starts": lambda worker, run: f"worker {worker} takes up run {run}",
    "commits": lambda worker: f"the journal of worker {worker} commits what was posted",
    "renews": lambda worker, changed: (
        f"worker {worker} reads its key again: {'another' if changed else 'the same'}"
    ),
    "asks": lambda worker: f"worker {worker} asks for a reading",
    "sends": lambda worker: f"worker {worker} sends the call",
    "ends": lambda worker, end: f"worker {worker} ends the run: {end}",
    "dies": lambda worker, kept: (
        f"worker {worker} is killed{'' if kept else '; what it had posted is not on disk'}"
    ),
    "forgets": lambda worker: f"worker {worker} is killed; its intent was not on disk",
    "resolves": lambda run, decision: f"a person says of run {run}: {DECISIONS[decision]}",
}


class Labels:
    """The kinds of steps that were taken, by number."""

    def __init__(self, rulings: Rulings) -> None:
        self.words: list[str] = []
        self.broken: set[int] = set()
        """Steps in which the program itself refused to go on."""
        self._rulings = rulings
        self._ids: dict[tuple[object, ...], int] = {}

    def of(self, kind: str, *facts: object) -> int:
        """Return the number of a step."""
        key = (kind, *facts)
        known = self._ids.get(key)
        return self._new(key, _WORDS[kind](*facts)) if known is None else known

    def claims(self, worker: int, standing: str, effect: int) -> int:
        """Return the number of a claim; `effect` is what is stored."""
        key = ("claims", worker, standing, effect)
        known = self._ids.get(key)
        if known is not None:
            return known
        stored = (
            "nothing is stored" if effect == NONE else f"the effect is `{self._rulings.state_of(effect)}`"
        )
        return self._new(key, f"worker {worker} claims the slot: {standing}; {stored}")

    def receives(self, worker: int, said: Said, judgement: int) -> int:
        """Return the number of a reply that is recorded and judged."""
        key = ("receives", worker, said, judgement)
        known = self._ids.get(key)
        if known is not None:
            return known
        words = self._rulings.judgements[judgement].words
        return self._new(key, f"worker {worker} receives {_in_words(said)}; {words}")

    def reads(self, worker: int, sight: Sight) -> int:
        """Return the number of a reading that the vendor answers."""
        key = ("is read", worker, sight)
        known = self._ids.get(key)
        return (
            self._new(key, f"the vendor shows worker {worker} {_in_words(sight)}") if known is None else known
        )

    def breaks_off(self, worker: int, reason: str) -> int:
        """Return the number of a step in which the program itself refuses to go on."""
        key = ("breaks off", worker, reason)
        known = self._ids.get(key)
        if known is None:
            known = self._new(key, f"worker {worker} breaks off: {reason}")
            self.broken.add(known)
        return known

    def _new(self, key: tuple[object, ...], words: str) -> int:
        self._ids[key] = len(self.words)
        self.words.append(words)
        return self._ids[key]


def _in_words(said: Said) -> str:
    if isinstance(said, str):
        return f"`{said}`"
    awards = ", ".join(f"{'our' if one.is_ours else 'an'} award of {one.amount}" for one in said.awards)
    return f"page {said.page} of {said.last}: {awards or 'nothing'}"
