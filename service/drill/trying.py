"""One trial: a run with faults, its replay, and a second run on the same world and home; then the judgement."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ...connectors.catalogue import tools_of
from ...connectors.contract import JsonObject
from ...connectors.errors import InvalidUse
from ...connectors.sandbox.courier import operation_of
from ...connectors.virtual import Stuck, run_virtually
from ...graph.engine.locate import step_at
from ...graph.engine.replay import replay
from ...graph.engine.run import Order
from ...graph.language.plan import CallStep, Plan
from .books import Books
from .stage import SHIPPED, Lived, Seams, Stage, staged
from .strikes import REFUSING
from .trials import Call, Trial, calls_of

Ending = Literal["healed", "unharmed", "parked", "waiting", "failed", "not struck", "BROKEN"]
_ENDS_AS: Final = {"fail": "failed", "park": "parked", "skip": "skipped"}


@dataclass(frozen=True, slots=True)
class Setup:
    """What all trials of a drill share."""

    plan: Plan
    inputs: JsonObject
    heals: dict[str, int]
    """Those of a calm run, by kind: drafts that are sent back are no heals of a fault."""
    seams: Seams = SHIPPED


@dataclass(frozen=True, slots=True)
class Calm:
    """What the workflow does when nothing goes wrong."""

    calls: tuple[Call, ...]
    requests: dict[str, int]
    """Requests by operation, of one run."""
    heals: dict[str, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a trial showed."""

    trial: Trial
    ended: Ending
    status: str
    """Of the struck run."""
    again: str
    """Of the second run."""
    heals: dict[str, int]
    effects: int
    """Effects at the vendor after both runs."""
    reason: str
    """Why a step failed or is parked; empty where none did."""
    violations: tuple[str, ...]
    operations: tuple[str, ...]
    """What the struck run called, each operation once."""


def look(plan: Plan, inputs: JsonObject) -> Calm:
    """Run once with nothing going wrong. Raises InvalidUse where that run does not complete, or calls nobody."""
    with staged() as stage:
        order = stage.order(plan, inputs)
        lived = run_virtually(lambda: stage.live(order, approving=True))
        calls = calls_of(lived.events, stage.requests, order.connections)
        requests = _counted(stage)
    if lived.result is None or lived.result.status != "completed":
        ends = lived.result.failed + lived.result.parked if lived.result else ()
        why = "; ".join(f"{end.path}: {end.reason}" for end in ends[:3]) or lived.error
        raise InvalidUse(
            f"The workflow does not complete when nothing goes wrong: {why}",
            help="See it with `mendflow run FILE --sandbox`; a drill needs a run that completes.",
        )
    if not calls:
        raise InvalidUse(
            "The workflow calls nobody for whom the sandbox can stand in.",
            help="A drill strikes the calls of `piggy` connections.",
        )
    return Calm(tuple(calls), requests, lived.result.heals)


def try_out(setup: Setup, trial: Trial) -> Finding:
    """Live through one trial and judge it."""
    with staged(trial.strikes, setup.seams) as stage:
        play = _Play(setup, trial, stage)
        try:
            run_virtually(play.whole)
        except Stuck as error:
            play.flaws.append(f"it came to no end: {error}")
        return play.finding()


class _Play:
    """What happens on the stage in one trial."""

    def __init__(self, setup: Setup, trial: Trial, stage: Stage) -> None:
        self.flaws: list[str] = []
        self._trial = trial
        self._stage = stage
        self._plan = setup.plan
        self._calm = setup.heals
        self._order: Order = stage.order(setup.plan, setup.inputs)
        self._is_struck = False
        self._operations: tuple[str, ...] = ()

    async def whole(self) -> None:
        """Run, replay, and run again."""
        stage = self._stage
        first = await stage.live(self._order, approving=True)
        self._is_struck = any(stage.is_spent(strike) for strike in self._trial.strikes)
        self._operations = tuple(_counted(stage))
        self.flaws += self._unrefused(first)
        stage.calm()
        await stage.live(self._order, approving=True)
        self.flaws += await self._replayed(first)

    def finding(self) -> Finding:
        """Judge what happened."""
        first, again = self._stage.lives[0], self._stage.lives[-1]
        violations = (*self.flaws, *self._books().violations())
        ends = first.result.failed + first.result.parked if first.result else ()
        return Finding(
            trial=self._trial,
            ended="BROKEN" if violations else self._ended(first),
            status=first.result.status if first.result else "",
            again=again.result.status if again.result else "",
            heals=first.result.heals if first.result else {},
            effects=len(self._stage.desk.world.effects),
            reason="; ".join(f"{end.path}: {end.reason}" for end in ends[:3]),
            violations=tuple(dict.fromkeys(violations)),
            operations=self._operations,
        )

    def _ended(self, lived: Lived) -> Ending:
        result = lived.result
        if not self._is_struck or result is None:
            return "not struck"
        if result.parked:
            return "parked"
        if result.status == "waiting":
            return "waiting"
        if result.failed or result.status == "failed" or _status_at(lived, self._trial.path) == "failed":
            return "failed"  # the last of these is a read of an agent, which is told and goes on
        return "unharmed" if result.heals == self._calm else "healed"

    def _books(self) -> Books:
        stage = self._stage
        return Books(
            self._plan, self._order.connections, stage.lives, stage.desk.world.effects, stage.effects()
        )

    def _unrefused(self, lived: Lived) -> Iterator[str]:
        """Find a call that the vendor refused for good, and that is not said to be refused, or took place."""
        (strike, *others), path = self._trial.strikes, self._trial.path
        step = step_at(self._plan, path)
        if (
            strike.order.kind not in REFUSING
            or others
            or not self._is_struck
            or not isinstance(step, CallStep)
        ):
            return
        status = _status_at(lived, path)
        if status not in {"failed", _ENDS_AS[step.on_exhausted]}:
            yield f"{lived.run_id} {path}: the vendor refused it, and the step ended as `{status}`"
        if self._books().has(lived, path):
            yield f"{lived.run_id} {path}: the vendor refused it, and has it"

    async def _replayed(self, lived: Lived) -> Sequence[str]:
        if lived.result is None:
            return ()
        tools = {name: tools_of(settings) for name, settings in self._order.connections.items()}
        report = await replay(lived.events, self._order, tools)
        if report.divergence is None:
            return ()
        found = report.divergence
        return (f"{lived.run_id}: the replay diverges at `{found.key}`: {found.message}",)


def _counted(stage: Stage) -> dict[str, int]:
    counts: dict[str, int] = {}
    for request in stage.requests:
        operation = operation_of(request)
        counts[operation] = counts.get(operation, 0) + 1
    return counts


def _status_at(lived: Lived, path: str) -> str:
    statuses = [
        str(event.body.get("status"))
        for event in lived.events
        if event.kind == "step_ended" and event.key.partition("#")[0] == path
    ]
    return statuses[-1] if statuses else "without an end"
