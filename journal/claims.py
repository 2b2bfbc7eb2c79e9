"""Who may have a slot: the pure choice that the store makes within one transaction."""

from dataclasses import dataclass
from datetime import datetime

from ..connectors.contract import JsonObject
from ..verifier.effect import Effect, intend, reopen
from .canonical import digest
from .events import EventDraft, fact_body
from .store import Held, SlotChoice


@dataclass(frozen=True, slots=True)
class SlotRequest:
    """A run asks for a slot in order to send `request` once."""

    run_id: str
    path: str
    slot: str
    request: JsonObject
    call_key: str
    """Under which the intent and then the outcome are recorded."""
    refusal_key: str
    """Under which it is recorded that the slot is not to be had."""
    at: datetime
    repeatable: bool
    """Whether the call may be sent again while an earlier attempt is unknown."""
    beyond: str = ""
    """Why one more effect would go beyond the run's budget; empty when it would not."""


def choose_slot(held: Held | None, want: SlotRequest) -> SlotChoice:
    """Take the slot when it is free or already ours; otherwise say how it stands.

    A slot whose effect the vendor refused, or of which no attempt took place, is free: nothing happened under
    it. A slot with other arguments is never sent a second time: that would be a second effect under one name.
    """
    if held is None or held.effect.state == "refused":
        if want.beyond:
            return _beyond(want)
        return _take(_fresh(want, held.effect.version + 1 if held else 0), want)
    if held.effect.digest != effect_digest(want.request):
        return _leave("differs", held, want)
    if held.effect.state == "done":
        return _leave("done", held, want)
    is_ours = held.run_id == want.run_id and held.path == want.path
    if held.effect.state == "planned" and want.beyond and not is_ours:
        return _beyond(want)
    if held.effect.state == "planned" or is_ours:
        return _take(held.effect, want)
    return _leave("parked" if held.effect.state == "parked" else "held", held, want)


def _fresh(want: SlotRequest, version: int) -> Effect:
    return Effect(
        slot=want.slot, digest=effect_digest(want.request), repeatable=want.repeatable, version=version
    )


def effect_digest(request: JsonObject) -> str:
    """Return the digest of what an effect is: the operation and its arguments, whatever its connection is called."""
    return digest({name: value for name, value in request.items() if name != "connection"})


def _take(effect: Effect, want: SlotRequest) -> SlotChoice:
    if effect.state == "parked":  # a person resumed the run
        effect = reopen(effect)
    # whoever sends it says whether it may repeat: the row may be another run's, of another workflow or program
    effect = effect.model_copy(update={"repeatable": want.repeatable})
    body: JsonObject = {"slot": want.slot, "request": want.request, "digest": digest(want.request)}
    event = EventDraft(kind="intent_written", key=want.call_key, at=want.at, body=body)
    return SlotChoice(claim={"standing": "mine"}, effect=intend(effect, want.at), event=event)


def _beyond(want: SlotRequest) -> SlotChoice:
    claim: JsonObject = {"standing": "beyond", "reason": want.beyond}
    return SlotChoice(claim=claim, effect=None, event=_left(want, claim))


def _leave(standing: str, held: Held, want: SlotRequest) -> SlotChoice:
    claim: JsonObject = {"standing": standing, "run_id": held.run_id, "path": held.path}
    if standing == "done":
        claim["output"] = held.effect.evidence.get("output")
    return SlotChoice(claim=claim, effect=None, event=_left(want, claim))


def _left(want: SlotRequest, claim: JsonObject) -> EventDraft:
    body = fact_body({"slot": want.slot, "request": want.request}, claim)
    return EventDraft(kind="fact_recorded", key=want.refusal_key, at=want.at, body=body)
