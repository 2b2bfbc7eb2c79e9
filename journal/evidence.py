"""Whether what is on record bears what a verdict says of it: the answers, the moments, the markers, the moves. Pure.

What an operation is (its effect class, its marker, what its answer repeats) comes from the catalogue; how verdicts are
made does not matter here.
"""

from collections.abc import Container, Iterator, Mapping
from datetime import timedelta

from pydantic import JsonValue, TypeAdapter, ValidationError

from ..connectors.catalogue import CATALOGUE
from ..connectors.contract import REPEATABLE, JsonObject, MarkerRead, StateRead, ToolSpec
from .canonical import canonical
from .courses import Course, Exchange, object_of

_DURATION = TypeAdapter(timedelta)
_SUCCESS = range(200, 300)
_STATUSES: Mapping[str, Container[int]] = {
    "rate_limit": (429,),
    "unauthorized": (401,),
    "timeout": (408,),
    "maintenance": (503,),
    "server_error": (
        *_SUCCESS,
        400,
        409,
        421,
        425,
        *range(500, 600),
    ),  # 400 and 2xx: a code that leaves it open
    "malformed_answer": range(100, 600),
    "drift": _SUCCESS,
}
"""The statuses with which a fault may come."""
_SILENCES: Mapping[str, Container[JsonValue]] = {
    "missing_credential": ("credential",),
    "outage": ("down",),
    "timeout": ("timeout",),
    "unreachable": ("dns", "connect", "tls", "pool", "reset", "protocol", "cancelled", "crash"),
}
"""The silences with which a fault may come."""


class World:
    """What a run began with, and all that is on record of it."""

    def __init__(self, pins: JsonObject, courses: Mapping[str, Course]) -> None:
        self._pins = pins
        self._courses = courses

    def spec(self, exchange: Exchange) -> ToolSpec | None:
        """Return the operation of an exchange; None where the catalogue has none of that name."""
        settings = self._settings(exchange)
        return CATALOGUE.get(str(settings.get("connector")), {}).get(str(exchange.call.get("operation")))

    def settle(self, exchange: Exchange) -> timedelta | None:
        """Return the settle time that was declared for the connection."""
        try:
            return _DURATION.validate_python(self._settings(exchange).get("settle"))
        except ValidationError:
            return None

    def may_repeat(self) -> bool:
        """Tell whether the workflow's author allows any repetition at all."""
        files = self._pins.get("files")
        return any("may_repeat" in str(text) for text in (files.values() if isinstance(files, dict) else ()))

    def is_prepared(self, exchange: Exchange, operation: str) -> bool:
        """Tell whether an operation succeeded on the connection of an exchange."""
        return any(
            one.call.get("operation") == operation
            and one.call.get("connection") == exchange.call.get("connection")
            and one.verdict.get("kind") == "passed"
            for course in self._courses.values()
            for one in course.exchanges.values()
        )

    def was_handed_back(self, reasons: list[JsonValue]) -> bool:
        """Tell whether a verdict handed a draft back for exactly these reasons."""
        verdicts = (verdict for course in self._courses.values() for verdict in course.verdicts.values())
        return any(object_of(verdict.get("remedy")).get("reasons") == reasons for verdict in verdicts)

    def _settings(self, exchange: Exchange) -> JsonObject:
        return object_of(object_of(self._pins.get("connections")).get(str(exchange.call.get("connection"))))


def objections_to_draft(world: World, course: Course, attempt: int, _: JsonObject) -> Iterator[str]:
    """Yield what speaks against a mended draft."""
    asked = course.asked.get(attempt)
    if asked is None:
        yield "no second draft is on record"
        return
    reasons = asked.get("reasons")
    if not isinstance(reasons, list) or not world.was_handed_back(reasons):
        yield "no verdict handed the draft back for these reasons"
    if canonical(object_of(course.drafts[attempt]).get("output")) == canonical(asked.get("draft")):
        yield "the second draft is the first one again"


def objections_to_call(world: World, course: Course, attempt: int, record: JsonObject) -> Iterator[str]:
    """Yield what speaks against a mended call: every verdict on the way, and the end of it."""
    last = course.exchanges.get(attempt)
    if last is None or world.spec(last) is None:
        yield "the call that is said to have passed is not on record"
        return
    for number in [one for one in course.numbers if one < attempt and one in course.exchanges]:
        exchange = course.exchanges[number]
        if exchange.verdict.get("kind") == "heal":
            yield from _against_fault(course, exchange)
            yield from _against_remedy(world, course, exchange)
    yield from _against_end(world, course, last, record)


def _against_fault(course: Course, exchange: Exchange) -> Iterator[str]:
    """Object where what came back is not what the fault says."""
    kind, evidence = str(exchange.fault.get("kind")), exchange.fault.get("evidence")
    if not _shows(kind, course, exchange):
        yield f"attempt {exchange.number} does not show the fault `{kind}`"
    body = exchange.outcome.get("body")
    shown: JsonObject = {**(body if isinstance(body, dict) else {}), **exchange.outcome}
    for name in ("status", "code", "reason", "sent", "flaw"):
        told = evidence.get(name) if isinstance(evidence, dict) else None
        if told is not None and shown.get(name) != told:
            yield f"attempt {exchange.number} has the `{name}` {shown.get(name)}, its fault says {told}"


def _shows(kind: str, course: Course, exchange: Exchange) -> bool:
    """Tell whether what came back is an instance of a fault."""
    if kind == "unknown_outcome":
        return course.is_reading(exchange) or _may_have_happened(course, exchange)
    outcome = exchange.outcome
    if outcome.get("kind") == "no_answer":
        return outcome.get("reason") in _SILENCES.get(kind, ())
    status = outcome.get("status")
    if not isinstance(status, int) or status not in _STATUSES.get(kind, ()):
        return False
    return kind != "drift" or outcome.get("flaw") is None


def _may_have_happened(course: Course, exchange: Exchange) -> bool:
    """Tell whether a write, or one before it, may have taken place."""
    is_open = exchange.outcome.get("sent") != "no" and exchange.outcome.get("status") not in (401, 403, 429)
    earlier = course.sendings_before(exchange.number)
    return is_open or any(one.fault.get("kind") == "unknown_outcome" for one in earlier)


def _against_remedy(world: World, course: Course, exchange: Exchange) -> Iterator[str]:
    """Object where the attempt that follows is not what the remedy prescribes."""
    following = course.exchanges.get(exchange.number + 1)
    if following is None:
        if exchange.number + 1 not in course.held:
            yield f"nothing follows the verdict on attempt {exchange.number}"
        return
    remedy = exchange.remedy
    yield from _too_early(exchange, following)
    match remedy.get("kind"):
        case "renew":
            yield from _not_renewed(following)
        case "settle":
            if following.is_write:
                yield f"attempt {following.number} sends again what was to be read about"
        case "resend":
            yield from _unproven_resend(world, course, exchange)
        case _:
            pass


def _too_early(exchange: Exchange, following: Exchange) -> Iterator[str]:
    span = exchange.remedy.get("duration", exchange.remedy.get("after"))
    begun, sent = exchange.moment("received_at"), following.moment("sent_at")
    if span is None or begun is None or sent is None or exchange.epoch != following.epoch:
        return
    if sent - begun < _DURATION.validate_python(span):
        yield f"attempt {following.number} left before the wait was over"


def _not_renewed(following: Exchange) -> Iterator[str]:
    key = following.renewal.get("key_id")
    if key is None:
        yield f"the credential was not read again before attempt {following.number}"
    elif following.reply.get("key_id") not in (None, "", key):
        yield f"attempt {following.number} went out with another key than the one that was read"


def _unproven_resend(world: World, course: Course, exchange: Exchange) -> Iterator[str]:
    """Object to a sending that repeats what nothing proves absent."""
    if course.is_reading(exchange):
        yield from _not_absent(world, course, exchange)
        return
    spec = world.spec(exchange)
    has_key = (
        spec is not None and spec.key is not None and exchange.arguments.get(spec.key.argument) is not None
    )
    is_repeatable = spec is not None and (spec.effect in REPEATABLE or has_key)
    if not is_repeatable and not world.may_repeat():
        yield f"attempt {exchange.number} was sent again although it may not be repeated"


def _not_absent(world: World, course: Course, reading: Exchange) -> Iterator[str]:
    """Object where the readings do not prove that the write did not take place."""
    sendings = course.sendings_before(reading.number)
    last, spec = sendings[-1], world.spec(sendings[-1])
    settle = world.settle(last)
    confirm = spec.confirm if spec is not None else None
    if spec is None or settle is None or not isinstance(confirm, MarkerRead | StateRead):
        yield "nothing declared lets an absence count"
        return
    pages = _pages(course, reading) if isinstance(confirm, MarkerRead) else [reading]
    begun = last.moment("received_at")
    if begun is None or any((page.moment("sent_at") or begun) < begun + settle for page in pages):
        yield "a reading left before the settle time was over"
    if isinstance(confirm, StateRead):
        if not all(_at(_data(reading), path) == (value,) for path, value in confirm.untouched.items()):
            yield "the object is not as it was before the call"
        return
    if spec.prepare and not world.is_prepared(last, spec.prepare):
        yield "the account was not shown to give our marker back"
    if any(_holds(page.outcome.get("body"), last.arguments.get(spec.marker)) for page in pages):
        yield "our marker stands in a listing that is said not to hold it"
    if not _is_whole(world, pages):
        yield "the listing was not read from its first page to its last"


def _pages(course: Course, reading: Exchange) -> list[Exchange]:
    """Return the readings of one listing that end with this one, the first page first."""
    pages = [reading]
    while (number := pages[0].number - 1) in course.exchanges and pages[0].arguments.get("page", 1) != 1:
        pages.insert(0, course.exchanges[number])
    return pages


def _is_whole(world: World, pages: list[Exchange]) -> bool:
    spec, last = world.spec(pages[-1]), pages[-1]
    numbers = [page.arguments.get("page", 1) for page in pages]
    items, limit = _data(last), last.arguments.get("limit")
    meta = object_of(last.outcome.get("body")).get("meta")
    told = _at(meta, spec.paging.last_page) if spec is not None and spec.paging is not None else ()
    is_short = isinstance(items, list) and isinstance(limit, int) and len(items) < limit
    is_last = str(told[0]) in (str(len(pages)), "0") if told else is_short  # 0: there are no pages at all
    return numbers == list(range(1, len(pages) + 1)) and is_last and _has_one_length(spec, pages)


def _has_one_length(spec: ToolSpec | None, pages: list[Exchange]) -> bool:
    """Tell whether every page of a listing told the same number of items, so that none can have moved between pages."""
    if len(pages) == 1:
        return True
    path = spec.paging.total if spec is not None and spec.paging is not None else ""
    metas = [object_of(page.outcome.get("body")).get("meta") for page in pages]
    totals = {canonical(list(_at(meta, path))) for meta in metas}
    return len(totals) == 1 and "[]" not in totals


def _against_end(world: World, course: Course, last: Exchange, record: JsonObject) -> Iterator[str]:
    """Object where the end does not show that the call is as it should be."""
    if _was_there_already(world, last):
        return
    if last.outcome.get("status") not in _SUCCESS or last.outcome.get("flaw") is not None:
        yield f"attempt {last.number} is said to have passed, and was not answered with a success"
        return
    if course.is_reading(last):
        yield from _not_present(world, course, last)
        return
    moves = record.get("moves")
    if isinstance(moves, list) and moves:
        yield from _wrong_moves(course, last, moves)
        return
    spec = world.spec(last)
    marker = last.arguments.get(spec.marker) if spec is not None and spec.marker else None
    if marker is not None and not _holds(_data(last), marker):
        yield f"the answer to attempt {last.number} does not repeat our marker"


def _was_there_already(world: World, last: Exchange) -> bool:
    """Tell whether the vendor said that what was to be made by its key is there."""
    spec, code = world.spec(last), object_of(last.outcome.get("body")).get("code")
    return spec is not None and spec.effect in REPEATABLE and code in spec.already


def _not_present(world: World, course: Course, reading: Exchange) -> Iterator[str]:
    """Object where the reading does not show that the write took place, once."""
    sendings = course.sendings_before(reading.number)
    spec = world.spec(sendings[-1])
    arguments = sendings[-1].arguments
    match spec.confirm if spec is not None else None:
        case MarkerRead(marker_path=path) if spec is not None:
            items, marker = _data(reading), arguments.get(spec.marker)
            ours = [one for one in items if _at(one, path) == (marker,)] if isinstance(items, list) else []
            if len(ours) != 1:
                yield f"our marker stands {len(ours)} times in the reading, once was expected"
            elif any(
                canonical(found) != canonical(arguments[name])
                for name, place in spec.echoes.items()
                if name in arguments
                for found in _at(ours[0], place)
            ):
                yield "what carries our marker is not what was asked for"
        case StateRead(equals=equals):
            shown = (
                [str(one).casefold() for one in _at(_data(reading), path)]
                == [str(arguments.get(name)).casefold()]
                for path, name in equals.items()
            )
            if not equals or not all(shown):
                yield "the object is not in the state that was asked for"
        case _:
            yield "nothing that was read proves that the call took place"


def _wrong_moves(course: Course, last: Exchange, moves: list[JsonValue]) -> Iterator[str]:
    """Object where the recorded moves do not lead from the answer to what the step returned."""
    if any(one.is_write for one in course.exchanges.values()):
        yield "the answer of a write was mended"
    value, end = last.outcome.get("body"), course.ends.get(last.number)
    shown: JsonValue = {"data": end.get("output")} if end is not None else None
    for move in moves:
        found, expected = str(object_of(move).get("found")), str(object_of(move).get("expected"))
        change = object_of(move).get("change")
        if change:
            value = _rewritten(value, found, str(change))
            shown = _rewritten(shown, found, "case") if change == "case" else shown
        else:
            value = {"data": _under(value, found)} if expected == "data" else _renamed(value, found, expected)
    if end is not None and canonical(object_of(value).get("data")) != canonical(object_of(shown).get("data")):
        yield "the moves do not lead from the answer to what the step returned"


def _rewritten(value: JsonValue, path: str, change: str) -> JsonValue:
    """Return the value with what stands at a path written otherwise, in every item of the lists on the way.

    A word of a list is compared without regard to the case of its letters: the contract's own word is in the output.
    """
    head, _, rest = path.partition(".")
    if isinstance(value, list):
        return [_rewritten(one, path, change) for one in value]
    if not head:
        return _in_other_writing(value, change)
    name = head.removesuffix("[]")
    if not isinstance(value, dict) or name not in value:
        return value
    return {**value, name: _rewritten(value[name], rest, change)}


def _in_other_writing(value: JsonValue, change: str) -> JsonValue:
    match change, value:
        case "text", int() if not isinstance(value, bool):
            return str(value)
        case "whole", str() if value.isdecimal() and str(int(value)) == value:
            return int(value)
        case "case", str():
            return value.casefold()
        case _:
            return value


def _under(value: JsonValue, path: str) -> JsonValue:
    return value if path == "$" else next(iter(_at(value, path)), None)


def _renamed(value: JsonValue, found: str, expected: str) -> JsonValue:
    """Return the value with one name changed, in every item of the lists on the way."""
    head, _, rest = found.partition(".")
    name, is_list = head.removesuffix("[]"), head.endswith("[]")
    if not rest:
        new = expected.rpartition(".")[2]
        return {new if one == name else one: inner for one, inner in object_of(value).items()}
    inner = object_of(value).get(name)
    if is_list:
        changed: JsonValue = (
            [_renamed(one, rest, expected) for one in inner] if isinstance(inner, list) else inner
        )
    else:
        changed = _renamed(inner, rest, expected)
    return {**object_of(value), name: changed}


def _data(exchange: Exchange) -> JsonValue:
    return object_of(exchange.outcome.get("body")).get("data")


def _at(value: JsonValue, path: str) -> tuple[JsonValue, ...]:
    """Return what stands at a dotted path, as a tuple of one; an empty one where nothing does."""
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return ()
        value = value[name]
    return (value,)


def _holds(value: JsonValue, wanted: JsonValue) -> bool:
    """Tell whether a value stands anywhere within another."""
    match value:
        case dict():
            return any(_holds(inner, wanted) for inner in value.values())
        case list():
            return any(_holds(inner, wanted) for inner in value)
        case _:
            return value == wanted
