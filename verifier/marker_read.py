"""Settling by a marker: ours in the vendor's listing, and only that.

Presence is proof at once. Absence is proof only when the account is known to echo our marker, the listing was
read to its end, and every page of it was read after the settle time.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from ..connectors.contract import MarkerRead, Paging, Reply, ToolCall, ToolSpec
from .echo import contradicted, find, is_same, mentions
from .ledger import Ledger
from .outcome import Outcome, classify
from .probing import (
    absent,
    look_again,
    person_decides,
    took_place,
    unknown,
    unsettled,
    until_settled,
)
from .remedy import backoff
from .verdict import Fault, Healing, Parked, Settle, Verdict

MOST_PAGES = 1000
_APART = timedelta(days=1)
"""By how much the vendor's clock, or its time zone, may differ from ours."""


def judge_listing(
    spec: ToolSpec,
    confirm: MarkerRead,
    call: ToolCall,
    probe_spec: ToolSpec,
    probe: ToolCall,
    reply: Reply,
    ledger: Ledger,
) -> Verdict:
    """Judge one page of the listing. `ledger.attempts` holds all attempts, the unknown one included."""
    outcome = classify(probe_spec, probe, reply)
    page = _number_at(probe, probe_spec.paging.page) if probe_spec.paging else 1
    if outcome.fault is not None:
        return look_again(spec, call, reply, ledger, outcome.fault, page)
    items = outcome.output
    marker = call.arguments.get(spec.marker)
    if not isinstance(items, list) or not marker:
        return unsettled(spec, call, f"`{probe.operation}` is no listing in which our marker could be")
    ours = [item for item in items if any(is_same(one, marker) for one in find(item, confirm.marker_path))]
    if ours:
        return _found(spec, call, ours, f"`{probe.operation}`, page {page}")
    if mentions(items, marker) or any(_may_be_ours(spec, confirm, call, item, ledger) for item in items):
        detail = f"`{probe.operation}` holds what may be ours, but our marker is not where it belongs"
        return look_again(spec, call, reply, ledger, Fault(kind="drift", detail=detail), page)
    return _not_found(spec, call, probe_spec, probe, outcome, ledger)


def _may_be_ours(
    spec: ToolSpec, confirm: MarkerRead, call: ToolCall, item: JsonValue, ledger: Ledger
) -> bool:
    """Tell whether an item has no marker and nothing that contradicts what was sent.

    It proves nothing, but with it nothing is absent: an account that does not echo our marker lists ours so. What
    came to be long before our first attempt is not ours.
    """
    if find(item, confirm.marker_path) not in ((), (None,)) or contradicted(spec, call, item):
        return False
    created = next(map(_moment, find(item, confirm.created)), None) if confirm.created else None
    first = min((attempt.sent_at for attempt in ledger.attempts), default=None)
    return created is None or first is None or created > first - _APART


def _moment(value: JsonValue) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _found(spec: ToolSpec, call: ToolCall, ours: Sequence[JsonValue], place: str) -> Verdict:
    if len(ours) > 1:
        return unsettled(spec, call, f"our marker stands {len(ours)} times in {place}, once was expected")
    different = contradicted(spec, call, ours[0])
    if different:
        names = ", ".join(f"`{name}`" for name in different)
        return unsettled(spec, call, f"our marker stands in {place}, but with another {names} than was sent")
    return took_place(spec, ours[0], f"the marker was found in {place}")


def _not_found(
    spec: ToolSpec, call: ToolCall, probe_spec: ToolSpec, probe: ToolCall, outcome: Outcome, ledger: Ledger
) -> Verdict:
    fault = unknown(f"`{spec.operation}` is not listed by `{probe.operation}`")
    remaining = until_settled(ledger)
    if remaining is not None and remaining > timedelta():
        # from the first page: this one came too early
        return Healing(fault=fault, remedy=Settle(after=remaining))
    paging = probe_spec.paging
    page = _number_at(probe, paging.page) if paging else 1
    total = _total(paging, outcome)
    if page > 1 and total != ledger.listed:
        return _begin_again(spec, call, probe, ledger)
    match _has_more(paging, probe, outcome):
        case None:
            return unsettled(spec, call, f"it is not proven that `{probe.operation}` was read to its end")
        case True:
            return Healing(fault=fault, remedy=Settle(after=timedelta(), page=page + 1, total=total))
        case False if page > 1 and total is None:
            return _unproven_absence(spec, call, ledger, "the listing may have shifted while it was read")
        case False if remaining is not None and ledger.marker_trusted:
            where = "the only page" if page == 1 else f"any of {page} pages"
            return absent(spec, ledger, f"after the settle time its marker is not on {where}")
        case False:
            return _unproven_absence(spec, call, ledger, _why_unproven(ledger))


def _begin_again(spec: ToolSpec, call: ToolCall, probe: ToolCall, ledger: Ledger) -> Verdict:
    """Read from the first page: an item that left the listing moves others to pages that were read already.

    The listing is asked for newest first, so what is added moves them only to pages that are still to come.
    """
    fault = unknown(f"`{spec.operation}`: the length of `{probe.operation}` changed while it was read")
    if ledger.probes + 1 >= ledger.most_probes:
        return Parked(fault=fault, next_action=person_decides(spec, call))
    return Healing(fault=fault, remedy=Settle(after=backoff(ledger.probes + 1, ledger.salt)))


def _total(paging: Paging | None, outcome: Outcome) -> int | None:
    """Return how many items the listing has; None where it does not tell."""
    if paging is None or not paging.total:
        return None
    return next(map(_whole, find(outcome.meta, paging.total)), None)


def _why_unproven(ledger: Ledger) -> str:
    if not ledger.attempts:
        return "it is not known when it was sent"
    if ledger.marker_trusted:
        return "no `settle` time is declared for the connection"
    return "the account is not known to echo our marker"


def _unproven_absence(spec: ToolSpec, call: ToolCall, ledger: Ledger, reason: str) -> Verdict:
    """Look a few times more, since presence would settle it, then leave it to a person."""
    fault = unknown(f"`{spec.operation}` is not listed, but {reason}, so that proves nothing")
    if ledger.probes + 1 >= ledger.most_probes:
        return Parked(fault=fault, next_action=person_decides(spec, call))
    return Healing(fault=fault, remedy=Settle(after=backoff(ledger.probes + 1, ledger.salt)))


def _has_more(paging: Paging | None, probe: ToolCall, outcome: Outcome) -> bool | None:
    """Tell whether the listing goes on after this page; None when that cannot be proven."""
    items = outcome.output
    if paging is None or not isinstance(items, list):
        return None
    page = _number_at(probe, paging.page)
    if page >= MOST_PAGES:
        return None
    served = [outcome.meta[name] for name in ("page", "current_page") if name in outcome.meta]
    if any(_whole(number) != page for number in served):
        return None  # the vendor served another page than the one that was asked for
    if paging.last_page:
        last = next(map(_whole, find(outcome.meta, paging.last_page)), None)
        return None if last is None else page < last
    limit = _whole(probe.arguments.get(paging.limit))
    if limit is None or not 0 < limit <= paging.largest:
        return None  # the vendor may serve fewer than were asked for, so a short page proves nothing
    return len(items) >= limit


def _number_at(probe: ToolCall, name: str) -> int:
    return _whole(probe.arguments.get(name)) or 1


def _whole(value: JsonValue) -> int | None:
    """Read a whole number, also where the vendor writes it as text (`"30"`)."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return int(value) if str(value).isascii() and str(value).isdigit() and len(str(value)) <= 9 else None  # noqa: PLR2004  # no listing has a billion pages
