"""A tool of each class of effect, and what comes back from its vendor: the shapes, never the rules."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple

from mendflow.connectors.contract import (
    Answer,
    JsonObject,
    MarkerRead,
    NoAnswer,
    Paging,
    Reply,
    StateRead,
    ToolCall,
    ToolSpec,
    TotalRead,
    VendorKey,
)
from pydantic import JsonValue

NOON: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""Now, always: what lies behind or ahead is told relative to it."""
TICK: Final = timedelta(minutes=1)
"""The grain of time; longer than every backoff, so that each of those is one tick."""
SETTLE: Final = 2
"""The settle time in ticks: within it whatever was sent is listed, or never will be."""

UNMARKED, MARKED, LONG_AGO = -1, -2, -3
"""Awards of others with the same contact and amount: without a marker, with another one, without and long before."""

Repetition = Literal["adds", "same", "keyed"]
"""What a second request of one effect does at the vendor: another effect, the same one, or a refusal by key."""

_OBJECT: JsonObject = {"type": "object"}
_REFUSALS: Final = frozenset({1003})
_OPEN: Final = frozenset({60001})
_GROWTH: Final = 5


@dataclass(frozen=True, slots=True)
class Trade:
    """One class of effect."""

    name: str
    spec: ToolSpec
    read: ToolSpec | None = None
    repetition: Repetition = "adds"

    @property
    def tools(self) -> dict[str, ToolSpec]:
        """Return the connector's operations."""
        return {spec.operation: spec for spec in (self.spec, self.read) if spec is not None}


_ANSWER: JsonObject = {
    "type": "object",
    "required": ["uuid", "contact", "amount"],
    "properties": {
        "uuid": {"type": "string"},
        "contact": {"type": "string"},
        "amount": {"type": "integer"},
    },
}
_BLIND: Final = ToolSpec(
    operation="gifts.create",
    summary="Give.",
    effect="blind",
    parameters=_OBJECT,
    answer=_ANSWER,
    refusals=_REFUSALS,
    unsettled=_OPEN,
    echoes={"contact": "contact", "amount": "amount"},
)
_MARKED: Final = _BLIND.model_copy(
    update={
        "effect": "marked",
        "marker": "slot",
        "confirm": MarkerRead(
            operation="gifts.list", copied={"contact": "contact"}, marker_path="slot", created="created"
        ),
    }
)
_LISTING: Final = ToolSpec(
    operation="gifts.list",
    summary="List.",
    effect="read",
    parameters=_OBJECT,
    answer={"type": "array", "items": _ANSWER},
    paging=Paging(largest=1, last_page="last_page", total="total"),
)
_OBJECT_READ: Final = ToolSpec(
    operation="gifts.get",
    summary="Look.",
    effect="read",
    parameters=_OBJECT,
    answer={"type": "object", "required": ["owner"]},
    refusals=frozenset({55031}),
)
_COUNT: Final = _LISTING.model_copy(update={"operation": "gifts.count", "paging": None})


def _stateful(confirm: StateRead) -> ToolSpec:
    return _BLIND.model_copy(update={"effect": "readable_state", "confirm": confirm})


TRADES: Final = {
    trade.name: trade
    for trade in (
        Trade("marked", _MARKED, _LISTING),
        Trade(
            "keyed",
            _MARKED.model_copy(
                update={"key": VendorKey(argument="link", taken=6001), "refusals": _REFUSALS | {6001}}
            ),
            _LISTING,
            "keyed",
        ),
        Trade("natural", _BLIND.model_copy(update={"effect": "natural_key"}), repetition="same"),
        Trade("idempotent", _BLIND.model_copy(update={"effect": "idempotent"}), repetition="same"),
        Trade(
            "claim",
            _stateful(
                StateRead(operation="gifts.get", equals={"owner": "contact"}, untouched={"owner": None})
            ),
            _OBJECT_READ,
        ),
        Trade(
            "merge",
            _stateful(StateRead(operation="gifts.get", gone=frozenset({55031}), takes=SETTLE * TICK)),
            _OBJECT_READ,
        ),
        Trade(
            "batch",
            _BLIND.model_copy(
                update={
                    "effect": "asynchronous",
                    "confirm": TotalRead(
                        operation="gifts.count", total="total", grows_by="amount", takes=SETTLE * TICK
                    ),
                }
            ),
            _COUNT,
        ),
        Trade("mail", _BLIND),
    )
}


def call_of(trade: Trade, marker: str, amount: int) -> ToolCall:
    """Return the call of one run."""
    arguments: JsonObject = {"contact": "ann", "amount": amount}
    if trade.spec.marker:
        arguments["slot"] = marker
    if trade.spec.key is not None:
        arguments["link"] = "link-1"
    return ToolCall(connection="shop", operation=trade.spec.operation, arguments=arguments)


class Award(NamedTuple):
    """One award as the vendor lists it."""

    marker: str | None
    amount: int
    is_ours: bool
    created: datetime = NOON


@dataclass(frozen=True, slots=True)
class Sight:
    """What a confirming read would show: awards, newest first, and of which page."""

    awards: tuple[Award, ...]
    page: int
    last: int


Said = str | Sight
"""What came back: a word for a whole answer, or what a read shows."""


def reply_of(trade: Trade, call: ToolCall, said: Said) -> Reply:
    """Return what came back to an attempt, at this very moment."""
    outcome = SPOKEN[said](call) if isinstance(said, str) else _shown(trade, said)
    return Reply(outcome=outcome, key_id="k", sent_at=NOON, received_at=NOON)


def _item(award: Award) -> JsonObject:
    item: JsonObject = {
        "uuid": "g",
        "contact": "ann",
        "amount": award.amount,
        "created": award.created.isoformat(),
    }
    return item if award.marker is None else {**item, "slot": award.marker}


def _good(call: ToolCall) -> Answer:
    marker, amount = call.arguments.get("slot"), call.arguments.get("amount")
    award = Award(
        marker if isinstance(marker, str) else None, amount if isinstance(amount, int) else 0, is_ours=True
    )
    return Answer(status=200, body={"data": _item(award)})


def _shown(trade: Trade, sight: Sight) -> Answer:
    match trade.spec.confirm:
        case StateRead() as confirm:
            return _state(confirm, sight)
        case TotalRead():
            total = _GROWTH * len(sight.awards)
            return Answer(status=200, body={"data": [], "meta": {"total": total}})
        case _:
            meta: JsonObject = {"page": sight.page, "last_page": sight.last, "total": sight.last}
            return Answer(status=200, body={"data": [_item(one) for one in sight.awards], "meta": meta})


def _state(confirm: StateRead, sight: Sight) -> Answer:
    """Show the object: untouched, or as whoever changed it last has left it; what is gone is gone."""
    if confirm.gone:
        is_gone = any(one.is_ours for one in sight.awards)
        return _error(55031) if is_gone else Answer(status=200, body={"data": {"owner": "bob"}})
    owner: JsonValue = None
    if sight.awards:
        owner = "ann" if sight.awards[0].is_ours else "bob"
    return Answer(status=200, body={"data": {"owner": owner}})


def _error(code: int) -> Answer:
    return Answer(status=400, body={"code": code, "message": "no", "status_code": 400})


def _silent(sent: Literal["no", "unknown"], reason: str) -> Callable[[ToolCall], NoAnswer]:
    silence = NoAnswer.model_validate({"sent": sent, "reason": reason})
    return lambda _: silence


def _said(answer: Answer) -> Callable[[ToolCall], Answer]:
    return lambda _: answer


def _other_amount(call: ToolCall) -> Answer:
    return _good(call.model_copy(update={"arguments": {**call.arguments, "amount": 99}}))


SPOKEN: Final[dict[str, Callable[[ToolCall], Answer | NoAnswer]]] = {
    "good": _good,
    "drifted": _said(Answer(status=200, body={"data": {"id": "g"}})),
    "other amount": _other_amount,
    "HTML": _said(Answer(status=200, flaw="html", excerpt="<p>")),
    "server error": _said(Answer(status=500, flaw="html", excerpt="<p>")),
    "maintenance": _said(Answer(status=503)),
    "creating": _said(_error(60001)),
    "undocumented code": _said(_error(7777)),
    "conflict": _said(Answer(status=409, body={})),
    "refused": _said(_error(1003)),
    "taken": _said(_error(6001)),
    "too many": _said(Answer(status=429)),
    "not let in": _said(Answer(status=401)),
    "forbidden": _said(Answer(status=403)),
    "nothing": _silent("unknown", "timeout"),
    "crash": _silent("unknown", "crash"),
    "unreachable": _silent("no", "connect"),
    "paused": _silent("no", "paused"),
    "down": _silent("no", "down"),
    "no key": _silent("no", "credential"),
    "another page": _said(Answer(status=200, body={"data": [], "meta": {"page": 9, "last_page": 9}})),
    "without end": _said(Answer(status=200, body={"data": []})),
    "lost fields": _said(
        Answer(
            status=200,
            body={"data": [_item(Award(None, 5, is_ours=True))], "meta": {"page": 1, "last_page": 1}},
        )
    ),
}
