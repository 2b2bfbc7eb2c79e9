"""A person's decision about a parked effect, written where the parked step will look for it."""

from dataclasses import dataclass

from pydantic import JsonValue

from ...connectors.contract import Clock, JsonObject
from ...connectors.errors import InvalidUse
from ...journal.events import Event, EventDraft, fact_body, fact_key
from ...journal.home import Home
from ...journal.store import EffectChange, Store
from ...verifier.effect import Decision, Effect, resolve
from .approvals import decided_already
from .summary import summarise


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a person says of one parked effect."""

    decision: Decision
    by: str
    reason: str
    output: JsonValue = None
    """With `done`: what the call would have returned, for the steps that refer to it."""


@dataclass(frozen=True, slots=True)
class _Parked:
    """A parked effect, and the attempt whose verdict parked it."""

    effect: Effect
    path: str
    attempt: int
    went_on: bool
    """Whether a resume recorded something of it after that, and was interrupted before its own verdict."""


async def resolve_effect(
    home: Home, store: Store, clock: Clock, run_id: str, effect: str, resolution: Resolution
) -> str:
    """Record the decision about one parked effect of a run and return the path of its step.

    `effect` is the step's path or the effect's slot; empty: the only one that is parked. Raises InvalidUse when
    none is, several are, somebody has decided already, or the run is at work.
    """
    with home.owning(run_id):
        events = await store.events(run_id)
        found = _parked(events, await store.effects(run_id))
        _refuse_second_word(events, found, effect, run_id)
        chosen = _chosen(found, effect, run_id)
        said: JsonObject = {
            "decision": resolution.decision,
            "by": resolution.by,
            "reason": resolution.reason,
            "output": resolution.output,
        }
        event = EventDraft(
            kind="fact_recorded",
            key=fact_key(chosen.path, chosen.attempt, "resolution"),
            at=clock.now(),
            body=fact_body({"path": chosen.path, "slot": chosen.effect.slot}, said),
        )
        evidence: JsonObject = {**said, "proof": f"the word of {resolution.by}"}
        change = EffectChange(
            slot=chosen.effect.slot,
            path=chosen.path,
            step=lambda effect: resolve(effect, resolution.decision, evidence),
        )
        await store.append(await store.owner_of(run_id), event, change=change)
        return chosen.path


def _parked(events: list[Event], effects: list[Effect]) -> list[_Parked]:
    places: dict[str, str] = {}
    attempts: dict[str, int] = {}
    later: set[str] = set()
    for event in events:
        path, _, rest = event.key.partition("#")
        if event.kind == "intent_written":
            places[str(event.body["slot"])] = path
        if event.kind == "verdict_given" and event.body.get("kind") == "parked":
            attempts[path] = int(rest.partition(":")[0])
            later.discard(path)
        elif event.kind == "fact_recorded" and int(rest.partition(":")[0] or 0) > attempts.get(path, 0):
            later.add(path)
    return [
        _Parked(effect, path, attempts[path], went_on=path in later)
        for effect in effects
        for path in [places.get(effect.slot, "")]
        if effect.state == "parked" and path in attempts
    ]


def _refuse_second_word(events: list[Event], found: list[_Parked], wanted: str, run_id: str) -> None:
    """Raise InvalidUse where what is asked for is parked no more because somebody has decided about it."""
    parked = {name for one in found for name in (one.path, one.effect.slot)}
    if wanted in parked or (found and not wanted):
        return
    for word in reversed(summarise(events).decisions):
        if word.kind == "resolution" and (not wanted or wanted in (word.path, word.slot)):
            raise decided_already(run_id, word)


def _chosen(found: list[_Parked], wanted: str, run_id: str) -> _Parked:
    listed = ", ".join(f"`{one.path}`" for one in found)
    if not found:
        raise InvalidUse(
            f"No effect of run `{run_id}` is parked.", help=f"`mendflow why {run_id}` says how it stands."
        )
    matching = [one for one in found if not wanted or wanted in (one.path, one.effect.slot)]
    if not matching:
        raise InvalidUse(
            f"The effect `{wanted}` is not parked; these are: {listed}.", help="Name one of them."
        )
    if len(matching) > 1:
        raise InvalidUse(f"Several effects are parked: {listed}.", help="Name one of them.")
    if matching[0].went_on:  # what it recorded would be taken for the outcome of what the decision leads to
        raise InvalidUse(
            f"Run `{run_id}` went on with `{matching[0].path}` after it was parked, and was interrupted.",
            help=f"`mendflow resume {run_id}` brings that to its end; then decide about what is parked still.",
        )
    return matching[0]
