"""Which trials a workflow has: its calls as a calm run made them, the faults that can strike each, and pairs. Pure."""

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from random import Random
from typing import Final

from ...connectors.contract import ConnectionSettings, Frozen, Json, ToolCall
from ...connectors.errors import InvalidUse
from ...connectors.piggy.operations import TOOLS
from ...connectors.sandbox.courier import arguments_of, operation_of
from ...connectors.sandbox.desk import Incoming
from ...graph.language.diagnostics import suggestion
from ...journal.canonical import canonical
from ...journal.courses import object_of
from ...journal.events import Event
from ..worlds import is_vendor
from .books import key_of
from .strikes import Strike, form_of, orders_for

_INDEX: Final = re.compile(r"\[\d+\]")
_Pair = tuple["Trial", "Trial"]


class Call(Frozen):
    """One operation that one step of a workflow calls, in all items of the maps around."""

    step: str
    """The step's path without the places of items."""
    operation: str
    requests: tuple[tuple[int, str], ...]
    """The requests of a calm run: the how-manieth of its operation each was, and the path that made it."""
    answer: Json = None
    """The data of one answer."""

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing at the vendor."""
        return TOOLS[self.operation].is_read


class Trial(Frozen):
    """What goes wrong in one run."""

    strikes: tuple[Strike, ...]
    step: str = ""
    """The step whose call is struck first."""
    path: str = ""
    """The path of that call, items included."""

    def __str__(self) -> str:
        return "+".join(map(str, self.strikes))

    @property
    def operation(self) -> str:
        """The operation that is struck first."""
        return self.strikes[0].order.operation

    @property
    def form(self) -> str:
        """The kinds of fault, with their details."""
        return " + ".join(strike.form for strike in self.strikes)


def calls_of(
    events: Iterable[Event], requests: Iterable[Incoming], connections: Mapping[str, ConnectionSettings]
) -> list[Call]:
    """Return the calls of a calm run in the order in which each was made first."""
    numbers = _numbers(requests)
    found: dict[tuple[str, str], Call] = {}
    for event in events:
        path, _, rest = event.key.partition("#")
        if event.kind != "fact_recorded" or ":call:" not in rest:
            continue
        call = ToolCall.model_validate(event.body["request"])
        if not is_vendor(connections[call.connection]):
            continue
        number = numbers[key_of(call, connections[call.connection])].popleft()
        name = (_INDEX.sub("", path), call.operation)
        outcome = object_of(object_of(event.body["value"]).get("outcome"))
        known = found.setdefault(
            name,
            Call(
                step=name[0],
                operation=name[1],
                requests=(),
                answer=object_of(outcome.get("body")).get("data"),
            ),
        )
        found[name] = known.model_copy(update={"requests": (*known.requests, (number, path))})
    return [*found.values()]


def _numbers(requests: Iterable[Incoming]) -> defaultdict[tuple[str, str], deque[int]]:
    """Return, for each request by operation and arguments, the how-manieth of its operation it was."""
    seen: Counter[str] = Counter()
    numbers: defaultdict[tuple[str, str], deque[int]] = defaultdict(deque)
    for request in requests:
        operation = operation_of(request)
        seen[operation] += 1
        numbers[operation, canonical(arguments_of(request))].append(seen[operation])
    return numbers


def singles(calls: Sequence[Call], forms: Sequence[str], seed: int) -> list[Trial]:
    """Return a trial for each call and each kind of fault; `forms` picks some kinds, empty: all.

    Where a step makes a call for many items, the seed says which of them is struck.
    """
    found: list[Trial] = []
    for call in calls:
        for order in orders_for(call.operation, call.answer, is_read=call.is_read):
            if forms and not {order.kind, form_of(order)} & {*forms}:
                continue
            number, path = dice(seed, call.step, call.operation, form_of(order)).choice(call.requests)
            strike = Strike(order=order, number=number)
            found.append(Trial(strikes=(strike,), step=call.step, path=path))
    return found


def pairs(
    trials: Sequence[Trial],
    heals: Mapping[str, Sequence[str]],
    calm: Mapping[str, int],
    wanted: int,
    seed: int,
) -> tuple[list[Trial], int]:
    """Return so many pairs of faults, and how many there are in all.

    `heals` names, for a trial, the operations that only its heal called: half of the pairs strike those.
    `calm` counts the requests of a calm run by operation.
    """
    both = [*_both(trials)]
    within = [*_within(trials, heals, calm)]
    chance = dice(seed, "pairs")
    half = min(len(within), wanted - wanted // 2)
    chosen = chance.sample(within, half)
    chosen += chance.sample(both, min(len(both), wanted - half))
    return [_joined(*pair) for pair in chosen], len(both) + len(within)


def _both(trials: Sequence[Trial]) -> Iterator[_Pair]:
    """Yield two faults of different requests."""
    for one, other in combinations(trials, 2):
        here, there = one.strikes[0], other.strikes[0]
        if (here.order.operation, here.number) != (there.order.operation, there.number):
            yield one, other


def _within(
    trials: Sequence[Trial], heals: Mapping[str, Sequence[str]], calm: Mapping[str, int]
) -> Iterator[_Pair]:
    """Yield a fault, and one of a call with which it is healed."""
    for trial in trials:
        for operation in heals.get(str(trial), ()):
            for order in orders_for(operation, None, is_read=TOOLS[operation].is_read):
                second = Strike(order=order, number=calm.get(operation, 0) + 1)
                yield trial, Trial(strikes=(second,))


def _joined(one: Trial, other: Trial) -> Trial:
    return one.model_copy(update={"strikes": (*one.strikes, *other.strikes)})


def named(strikes: tuple[Strike, ...], calls: Sequence[Call]) -> Trial:
    """Return the trial of given strikes, with the step that the first of them strikes."""
    first = strikes[0]
    for call in calls:
        for number, path in call.requests:
            if (call.operation, number) == (first.order.operation, first.number):
                return Trial(strikes=strikes, step=call.step, path=path)
    return Trial(strikes=strikes)


def only(calls: Sequence[Call], step: str) -> list[Call]:
    """Return the calls of one step, and of those inside it. Raises InvalidUse where it makes none."""
    found = [call for call in calls if f"{call.step}.".startswith(f"{step}.")]
    if not found:
        names = {call.step for call in calls}
        raise InvalidUse(
            f"no call of the step `{step}` can be struck{suggestion(step, names)}",
            help="Name a step that calls the vendor; inside maps with the map's name before it, as `members.letter`.",
        )
    return found


def dice(seed: int, *purpose: str) -> Random:
    """Return the luck of a seed for one purpose, the same ever again."""
    return Random(":".join((str(seed), *purpose)))  # noqa: S311  # a seed, not a secret
