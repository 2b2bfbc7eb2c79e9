"""How long a far side asks to wait, by the headers of its answer. Pure arithmetic, for vendors and models alike."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

ABSURD: Final = timedelta(hours=24)
"""A wait beyond this is not believed."""
LONGEST_RESET: Final = timedelta(hours=1)
"""Beyond this the seconds of `X-RateLimit-Reset` may as well be milliseconds, so they say nothing."""

_SECONDS: Final = re.compile(r"\s*([+-]?[0-9]{1,15}(?:\.[0-9]{1,9})?)\s*\Z", re.ASCII)
_MOST_SECONDS: Final = 1e13  # a timedelta holds no more than about 8.6e13
_UNITS: Final = (1, 1000)  # an epoch in seconds, an epoch in milliseconds
# A header that came several times is joined by commas; those within a date stand before something else.
_NEXT_VALUE: Final = re.compile(r",\s*(?=[+-]?[0-9.]+\s*(?:,|\Z)|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*\b)")
_PARAMETER: Final = re.compile(r"\b(r|remaining|t|reset)=([0-9]{1,11})(?![0-9.])", re.ASCII)


def hinted_wait(headers: Mapping[str, str], received_at: datetime | None) -> timedelta | None:
    """Return how long the far side asks to wait, or None when it does not say so in a way that can be believed.

    `Retry-After` comes first (RFC 9110, 10.2.3), then `RateLimit` and `RateLimit-Reset` (IETF drafts), then
    `X-RateLimit-Reset`; a reset counts only where no calls are said to be left. Moments are judged against the
    answer's own `Date`, so that no clock but the far side's matters; `received_at` stands in where it has none.
    """
    own = _moment(headers.get("date", ""))
    moment = own if own is not None or received_at is None else _aware(received_at)
    hints = (
        _retry_after(headers.get("retry-after", ""), moment),
        _draft(headers.get("ratelimit", "")),
        _delta(headers.get("ratelimit-reset", "")) if _is_used_up(headers, "ratelimit-remaining") else None,
        _reset(headers.get("x-ratelimit-reset", ""), moment)
        if _is_used_up(headers, "x-ratelimit-remaining")
        else None,
    )
    hint = next((one for one in hints if one is not None), None)
    return None if hint is None or hint > ABSURD else max(timedelta(), hint)


def _retry_after(text: str, moment: datetime | None) -> timedelta | None:
    """Of several values the longest counts, unless one of them cannot be read."""
    values = _NEXT_VALUE.split(text)
    waits = [wait for value in values if (wait := _delay(value, moment)) is not None]
    return max(waits) if len(waits) == len(values) else None


def _delay(value: str, moment: datetime | None) -> timedelta | None:
    """Read seconds or a date."""
    wait = _delta(value)
    if wait is not None or moment is None:
        return wait
    until = _moment(value)
    return None if until is None else until - moment


def _draft(text: str) -> timedelta | None:
    """Read `RateLimit`: the longest wait among the policies of which nothing is left.

    draft-ietf-httpapi-ratelimit-headers: `"name";r=0;t=30` for each policy since 08, `remaining=0, reset=30` in 07.
    """
    waits = []
    for policy in text.split(",") if '"' in text else [text]:
        said = {name: int(number) for name, number in _PARAMETER.findall(policy)}
        seconds = said.get("t", said.get("reset"))
        if said.get("r", said.get("remaining")) == 0 and seconds is not None:
            waits.append(timedelta(seconds=seconds))
    return max(waits, default=None)


def _reset(text: str, moment: datetime | None) -> timedelta | None:
    """Read seconds from now, or an epoch whose unit is certain: only in that one it lies near the answer's date."""
    seconds = _seconds(text)
    if seconds is None:
        return None
    if seconds <= LONGEST_RESET.total_seconds():
        return timedelta(seconds=seconds)
    if moment is None:
        return None
    waits = (timedelta(seconds=seconds / unit - moment.timestamp()) for unit in _UNITS)
    return next((wait for wait in waits if abs(wait) <= ABSURD), None)


def _is_used_up(headers: Mapping[str, str], remaining: str) -> bool:
    """Tell whether a reset counts: some vendors name the next one with every answer."""
    left = _seconds(headers.get(remaining, ""))
    return not left


def _delta(text: str) -> timedelta | None:
    seconds = _seconds(text)
    return None if seconds is None else timedelta(seconds=seconds)


def _seconds(text: str) -> float | None:
    found = _SECONDS.match(text)
    return max(0.0, min(float(found[1]), _MOST_SECONDS)) if found else None


def _moment(text: str) -> datetime | None:
    """Read any of the three forms of a date (RFC 9110, 5.6.7)."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return _aware(moment)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
