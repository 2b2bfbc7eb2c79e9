"""Settling an unknown outcome by a confirming read: our marker in the vendor's listing, and only that.

Presence is proof at once. Absence is proof only when the account is known to echo our marker, the listing was
read to its end, and every page of it was read after the settle time. A drifted page is never healed here: a
wrong heal could hide an effect, and a resend would then double it.
"""

from collections.abc import Sequence
from datetime import timedelta

from pydantic import JsonValue

from ..connectors.contract import Answer, Paging, Reply, ToolCall, ToolSpec
from .echo import contradicted, find, is_same, mentions
from .ledger import Ledger
from .outcome import Outcome, classify
from .remedy import backoff, hinted_wait
from .verdict import Failed, Fault, Healing, Mend, Parked, Passed, Resend, Settle, Verdict

USUAL_PAGING = Paging()
MOST_PAGES = 1000


def can_be_settled(spec: ToolSpec, call: ToolCall) -> bool:
    """Tell whether a listing can show our marker for this call."""
    return spec.confirm is not None and bool(spec.marker and call.arguments.get(spec.marker))


def dashboard_hint(spec: ToolSpec, call: ToolCall) -> str:
    """Say what a person can look for at the vendor."""
    marker = call.arguments.get(spec.marker)
    sign = f" with `{spec.marker}` = `{marker}`" if marker else " with these arguments"
    return (
        f"Look in the vendor's dashboard for a `{spec.operation}`{sign}."
        " If it is there, the effect took place; mendflow does not send it again by itself."
    )


def probe_call(
    spec: ToolSpec, call: ToolCall, page: int, *, paging: Paging | None = USUAL_PAGING
) -> ToolCall:
    """Build the confirming read of one page; `paging` is the listing's own, None where it has no pages."""
    confirm = spec.confirm
    if confirm is None:
        raise ValueError(f"`{spec.operation}` has no confirming read")
    paged = {} if paging is None else {paging.limit: paging.largest, **confirm.arguments, paging.page: page}
    copied = {
        name: call.arguments[source] for name, source in confirm.copied.items() if source in call.arguments
    }
    return ToolCall(
        connection=call.connection,
        operation=confirm.operation,
        arguments={**confirm.arguments, **paged, **copied},
    )


def judge_probe(
    spec: ToolSpec, call: ToolCall, probe_spec: ToolSpec, probe: ToolCall, reply: Reply, ledger: Ledger
) -> Verdict:
    """Judge one page of the confirming read. `ledger.attempts` holds all attempts, the unknown one included.

    Never `Wait` or `Renew`, which would send the call itself again; `Settle` repeats the reading.
    """
    outcome = classify(probe_spec, probe, reply)
    page = _number_at(probe, probe_spec.paging.page) if probe_spec.paging else 1
    if outcome.fault is not None:
        return _look_again(spec, call, reply, ledger, outcome.fault, page)
    items = outcome.output
    if not isinstance(items, list) or spec.confirm is None or not can_be_settled(spec, call):
        return _park(spec, call, f"`{probe.operation}` is no listing in which our marker could be")
    marker = call.arguments.get(spec.marker)
    ours = [
        item for item in items if any(is_same(one, marker) for one in find(item, spec.confirm.marker_path))
    ]
    if ours:
        return _found(spec, call, ours, f"`{probe.operation}`, page {page}")
    if mentions(items, marker) or any(_lost_its_marker(spec, call, item) for item in items):
        detail = f"`{probe.operation}` holds what may be ours, but our marker is not where it belongs"
        return _look_again(spec, call, reply, ledger, Fault(kind="drift", detail=detail), page)
    return _not_found(spec, call, probe_spec, probe, outcome, ledger)


def _lost_its_marker(spec: ToolSpec, call: ToolCall, item: JsonValue) -> bool:
    """Tell whether an item has no marker and nothing that contradicts what was sent.

    It proves nothing, but with it nothing is absent: an account that does not echo our marker lists ours so.
    """
    path = spec.confirm.marker_path if spec.confirm else spec.marker
    return find(item, path) in ((), (None,)) and not contradicted(spec, call, item)


def _found(spec: ToolSpec, call: ToolCall, ours: Sequence[JsonValue], place: str) -> Verdict:
    if len(ours) > 1:
        return _park(spec, call, f"our marker stands {len(ours)} times in {place}, once was expected")
    different = contradicted(spec, call, ours[0])
    if different:
        names = ", ".join(f"`{name}`" for name in different)
        return _park(spec, call, f"our marker stands in {place}, but with another {names} than was sent")
    fault = _unknown(f"whether `{spec.operation}` took place was unknown")
    mend = Mend(fault=fault, remedy="settle", proof=f"the marker was found in {place}")
    return Passed(output=ours[0], mends=(mend,))


def _not_found(
    spec: ToolSpec, call: ToolCall, probe_spec: ToolSpec, probe: ToolCall, outcome: Outcome, ledger: Ledger
) -> Verdict:
    fault = _unknown(f"`{spec.operation}` is not listed by `{probe.operation}`")
    remaining = _until_settled(ledger)
    if remaining is not None and remaining > timedelta():
        return Healing(
            fault=fault, remedy=Settle(after=remaining)
        )  # from the first page: this one came too early
    paging = probe_spec.paging
    page = _number_at(probe, paging.page) if paging else 1
    match _has_more(paging, probe, outcome):
        case None:
            return _park(spec, call, f"it is not proven that `{probe.operation}` was read to its end")
        case True:
            return Healing(fault=fault, remedy=Settle(after=timedelta(), page=page + 1))
        case False if remaining is not None and ledger.marker_trusted:
            return _absent(spec, ledger, page)
        case False:
            return _unproven_absence(spec, call, ledger, page)


def _absent(spec: ToolSpec, ledger: Ledger, pages: int) -> Verdict:
    where = "the only page" if pages == 1 else f"any of {pages} pages"
    detail = f"`{spec.operation}` did not take place: after the settle time its marker is not on {where}"
    if len(ledger.attempts) >= ledger.most_attempts:
        given_up = f"{detail}; given up after {len(ledger.attempts)} attempts"
        return Failed(fault=Fault(kind="budget_spent", detail=given_up))
    return Healing(fault=_unknown(detail), remedy=Resend())


def _unproven_absence(spec: ToolSpec, call: ToolCall, ledger: Ledger, page: int) -> Verdict:
    """Look a few times more, since presence would settle it, then leave it to a person."""
    reason = "the account is not known to echo our marker"
    if ledger.marker_trusted:
        reason = "no `settle` time is declared for the connection"
    if not ledger.attempts:
        reason = "it is not known when it was sent"
    fault = _unknown(f"`{spec.operation}` is not listed, but {reason}, so that proves nothing")
    if _fruitless(ledger, page) + 1 >= ledger.most_probes:
        return Parked(fault=fault, next_action=dashboard_hint(spec, call))
    return Healing(fault=fault, remedy=Settle(after=backoff(ledger.probes + 1, ledger.salt)))


def _look_again(
    spec: ToolSpec, call: ToolCall, reply: Reply, ledger: Ledger, fault: Fault, page: int
) -> Verdict:
    """Read the same page once more: it could not be used."""
    unknown = Fault(
        kind="unknown_outcome",
        detail=f"whether `{spec.operation}` took place could not be read: {fault.detail}",
        evidence={"cause": fault.kind, **fault.evidence},
    )
    if _fruitless(ledger, page) + 1 >= ledger.most_probes:
        again = "Mend the cause, then `mendflow resume` this run to look once more. Or: "
        return Parked(fault=unknown, next_action=again + dashboard_hint(spec, call))
    hinted = (
        hinted_wait(reply.outcome.headers, reply.received_at) if isinstance(reply.outcome, Answer) else None
    )
    after = backoff(ledger.probes + 1, ledger.salt) + (hinted or timedelta())
    is_key = fault.kind in ("unauthorized", "missing_credential")
    return Healing(fault=unknown, remedy=Settle(after=after, page=page, renew=is_key))


def _until_settled(ledger: Ledger) -> timedelta | None:
    """Return how long absence does not count yet; None when it never will."""
    if ledger.settle is None or not ledger.attempts:
        return None
    return max(attempt.sent_at for attempt in ledger.attempts) + ledger.settle - ledger.now


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


def _fruitless(ledger: Ledger, page: int) -> int:
    return max(0, ledger.probes - (page - 1))


def _number_at(probe: ToolCall, name: str) -> int:
    return _whole(probe.arguments.get(name)) or 1


def _whole(value: JsonValue) -> int | None:
    """Read a whole number, also where the vendor writes it as text (`"30"`)."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return int(value) if str(value).isascii() and str(value).isdigit() and len(str(value)) <= 9 else None  # noqa: PLR2004  # no listing has a billion pages


def _unknown(detail: str) -> Fault:
    return Fault(kind="unknown_outcome", detail=detail)


def _park(spec: ToolSpec, call: ToolCall, found: str) -> Verdict:
    fault = _unknown(f"whether `{spec.operation}` took place is not settled: {found}")
    return Parked(fault=fault, next_action=dashboard_hint(spec, call))
