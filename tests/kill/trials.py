"""Trials of several processes at once: an owner that stops, two that want one run, many that want one effect."""

import os
import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from signal import SIGSTOP

from mendflow.service.exits import COMPLETED, INVALID, WAITING

from tests.kill import behaviours, effects
from tests.kill.case import Outcome, Story, outcome_of
from tests.kill.nursery import Ended
from tests.kill.oracle import Allowed
from tests.kill.points import BY_NAME, POINTS
from tests.kill.signals import Tripwire
from tests.kill.vendor import open_vendor

IN_OTHER_HANDS = ("is being run by another process", "is held by another process")
MARKED = effects.BY_NAME["marked"]
STOPS = (
    "intent_committed",
    "write_unwritten",
    "request_written",
    "body_read",
    "fact_committed",
    "end_committed",
    "intent_uncommitted",  # within a transaction, so that nobody else can write
    "verdict_uncommitted",
)
"""Where an owner stops itself."""
_SEEDED = ("calm", "lost_reply", "lost_request", "late", "server_error_after", "truncated")
_BEFORE = {"done": "lost_reply", "resend": "lost_request", "refused": "lost_request"}
"""What the vendor did before a person decides so: the decisions of these trials are true."""
_SENT_AGAIN = ("resend.committed", "resent.written", "resent.body_read")
"""After these a person's decision is used up, and the outcome is unknown once more."""
_MANY = 8
_MOST_ROUNDS = 6


class Gate:
    """Holds processes back until it is opened for all of them at once."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()

    def pass_through(self) -> None:
        """Wait, in a process, for the gate."""
        os.read(self._reading, 1)

    def open(self, number: int) -> None:
        """Let so many through."""
        os.write(self._writing, b"." * number)

    def close(self) -> None:
        """Give the pipe back."""
        os.close(self._reading)
        os.close(self._writing)


def stopped(name: str, folder: Path) -> Outcome:
    """Stop an owner in the midst of its write; nobody takes its run, and another run does not repeat its effect."""
    point = BY_NAME[name.partition("/")[2]]
    with _story(folder) as story:
        owner = story.start(*story.words(), tripwire=Tripwire(point.signal, action=SIGSTOP))
        reached = owner.wait_until_stopped()
        owned = story.run_id()
        thief = story.start(*story.going_on(owned)) if owned else None
        rival = story.start(*story.first_words())
        wrong = [] if thief is None else _check_refused(thief.wait())
        wrong += _check_rival(rival.wait(), story.states())  # which waits until its patience ends
        if story.count_events("run_resumed"):
            wrong.append("stolen: a run was taken over while its owner lived")
        owner.go_on()
        owner.wait()
        ended = _finish(story)
        return outcome_of(name, story, ended, wrong=wrong, reached=reached)


def together(name: str, folder: Path) -> Outcome:
    """Let several processes resume one killed run at the same moment; exactly one gets it."""
    _, number, point = name.split("/")
    with _story(folder) as story:
        first = story.start(*story.words(), tripwire=Tripwire(BY_NAME[point].signal)).wait()
        words = story.words()
        ends = _at_once(story, words, [None] * int(number))
        wrong = [line for end in ends if end.code for line in _check_refused(end)]
        takeovers = story.count_events("run_resumed")
        if words[0] == "resume" and takeovers != 1:
            wrong.append(f"contended: {takeovers} processes took the run over, expected exactly one")
        return outcome_of(name, story, _finish(story), wrong=wrong, reached=first.killed)


def starting(name: str, folder: Path) -> Outcome:
    """Start a run several times at the same moment under one key; there is one run, and it is killed once."""
    _, number, place = name.split("/")
    wire = Tripwire(BY_NAME[place].signal) if place in BY_NAME else None
    with _story(folder) as story:
        words = [*story.first_words(), "--once-key", "today"]
        ends = _at_once(story, words, [wire] * int(number))
        wrong = [line for end in ends if end.code and not end.killed for line in _check_refused(end)]
        again = story.start(*words).wait()
        if len(story.runs()) != 1:
            wrong.append(f"contended: {len(story.runs())} runs under one key")
        return outcome_of(
            name, story, again, wrong=wrong, reached=not wire or any(end.killed for end in ends)
        )


def taken_up(name: str, folder: Path) -> Outcome:
    """Let several processes take up all interrupted runs at the same moment; each run goes to one of them."""
    with _story(folder) as story:
        for point in ("request_written", "start_committed", "claim_begun"):
            story.start(*story.first_words(), tripwire=Tripwire(BY_NAME[point].signal)).wait()
        words = ["resume", "--all", "--json", "--home", str(story.home)]
        ends = _at_once(story, words, [None] * int(name.partition("/")[2]))
        wrong = [line for end in ends if end.code not in (0, 3) for line in _check_refused(end)]
        return outcome_of(name, story, _finish(story), wrong=wrong)


def forgetful(name: str, folder: Path) -> Outcome:
    """Kill a run, throw its journal away and start it again: the harness must see that the effect is doubled."""
    with _story(folder) as story:
        story.start(*story.words(), tripwire=Tripwire(BY_NAME[name.partition("/")[2]].signal)).wait()
        shutil.rmtree(story.home)
        return outcome_of(name, story, story.until_ended([]))


def contend(name: str, folder: Path) -> Outcome:
    """Let several runs make one effect at the same moment, some killed at seeded points; it takes place once."""
    seed = int(name.partition("/")[2])
    deal = random.Random(seed)  # noqa: S311  # a seed, not a secret
    wires = [_dealt_wire(deal) for _ in range(_MANY if seed % 10 == 0 else 2)]
    with _story(folder) as story:
        story.vendor.arm(*behaviours.BY_NAME[deal.choice(_SEEDED)].faults(MARKED))
        _at_once(story, story.first_words(), wires)
        return outcome_of(name, story, _finish(story))


def often(name: str, folder: Path) -> Outcome:
    """Kill a run and each of its resumes, at seeded points, under a seeded behaviour, for a seeded class."""
    deal = random.Random(int(name.partition("/")[2]))  # noqa: S311  # a seed, not a secret
    effect = deal.choice(effects.CLASSES)
    behaviour = deal.choice([one for one in behaviours.BEHAVIOURS if one.fits(effect)])
    with open_vendor(folder) as vendor:
        story = Story(effect, vendor, folder)
        vendor.arm(*behaviour.faults(effect))
        dealt = [(deal.choice(POINTS), deal.randint(1, 2)) for _ in range(4)]
        ended = story.until_ended([Tripwire(point.signal, number) for point, number in dealt])
        allowed = Allowed(behaviour.may_fail, behaviour.may_park(effect, [point for point, _ in dealt]))
        return outcome_of(name, story, ended, allowed=allowed)


def decided(name: str, folder: Path) -> Outcome:
    """Let a person decide about a parked effect, and kill the decision or what follows from it."""
    _, decision, told = name.split("/")
    effect = effects.BY_NAME["blind"]
    with open_vendor(folder) as vendor:
        story = Story(effect, vendor, folder)
        vendor.arm(*behaviours.BY_NAME[_BEFORE[decision]].faults(effect))
        story.start(*story.words()).wait()
        run_id = story.run_id()
        said = ["resolve", run_id, f"--{decision}", "--reason", "looked it up", "--home", str(story.home)]
        for words in (said, story.going_on(run_id)):
            if story.start(*words, tripwire=Tripwire(told)).wait().killed:
                story.start(*words).wait()
        ended = story.until_ended([])
        reached = any(f"{told}!" in end.heard for end in story.ends())
        allowed = Allowed(failed=decision == "refused", parked=told in _SENT_AGAIN)
        return outcome_of(name, story, ended, allowed=allowed, reached=reached)


@contextmanager
def _story(folder: Path) -> Iterator[Story]:
    with open_vendor(folder) as vendor:
        yield Story(MARKED, vendor, folder)


def _dealt_wire(deal: random.Random) -> Tripwire | None:
    """Deal a point to every other process or so."""
    point = deal.choice(POINTS)
    return Tripwire(point.signal) if deal.choice((True, False)) else None


def _at_once(story: Story, words: list[str], wires: Sequence[Tripwire | None]) -> list[Ended]:
    """Start one process for each of the wires, let all go at the same moment, and wait until all have ended."""
    with closing(Gate()) as gate:
        children = [story.start(*words, tripwire=wire, prepare=gate.pass_through) for wire in wires]
        gate.open(len(children))
        return [child.wait() for child in children]


def _check_refused(ended: Ended) -> list[str]:
    """Return what is wrong with a process that was not to get a run in other hands."""
    if ended.code == INVALID and any(words in ended.err for words in IN_OTHER_HANDS):
        return []
    return [f"unclear: exit {ended.code} instead of a clear refusal: {ended.err.strip()[-300:]}"]


def _check_rival(ended: Ended, states: list[str]) -> list[str]:
    """Return what is wrong with a run that wants an effect in other hands: it parks, unless the effect is done."""
    if ended.code == WAITING or (ended.code == COMPLETED and states == ["done"]):
        return []
    return _check_refused(ended)


def _finish(story: Story) -> Ended:
    """Resume every run until all have completed, and return how the last one ended."""
    if not story.run_id():
        return story.until_ended([])
    ended: Ended | None = None
    for _ in range(_MOST_ROUNDS):
        left = [run_id for run_id, status in story.runs() if status not in ("completed", "failed")]
        if ended is not None and not left:
            return ended
        for run_id in left or [story.run_id()]:
            ended = story.start(*story.going_on(run_id)).wait()
    raise AssertionError(f"runs are left after {_MOST_ROUNDS} rounds: {story.runs()}")
