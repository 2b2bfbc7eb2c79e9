"""How long to wait: our own backoff, and what the vendor's headers ask for. Pure arithmetic."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_exponential

FIRST_WAIT = timedelta(seconds=0.2)
LONGEST_BACKOFF = timedelta(seconds=20)
ABSURD = timedelta(hours=24)

_GROWTH = wait_exponential(multiplier=FIRST_WAIT.total_seconds(), max=LONGEST_BACKOFF.total_seconds())
_SECONDS = re.compile(r"\s*([+-]?[0-9]{1,15}(?:\.[0-9]{1,9})?)\s*\Z", re.ASCII)
_MOST_SECONDS = 1e11
_EPOCH = range(10**9, 10**11)  # 2001 to 5138 as seconds; milliseconds of our time lie above, deltas below


def backoff(attempt: int, salt: str) -> timedelta:
    """Return the wait after attempt number `attempt`, which counts from 1: 0.2 s, 0.4 s, … up to 20 s.

    Between a half and the whole of that is waited, as `salt` and the attempt say: many calls spread, and a
    replay waits the same.
    """
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = attempt
    digest = hashlib.sha256(f"{salt}#{attempt}".encode("utf-8", "surrogatepass")).digest()
    share = int.from_bytes(digest[:4]) / 2**32
    return timedelta(seconds=_GROWTH(state) * (1 + share) / 2)


def hinted_wait(headers: Mapping[str, str], received_at: datetime) -> timedelta | None:
    """Return how long the vendor asks to wait, or None when it does not say so in a way that can be believed.

    `Retry-After` comes first (RFC 9110, 10.2.3); `X-RateLimit-Reset` only where that is absent or unreadable.
    Moments are judged against the reply's own `Date`, so that no clock but the vendor's matters.
    """
    moment = _moment(headers.get("date", "")) or _aware(received_at)
    hint = _retry_after(headers.get("retry-after", ""), moment)
    if hint is None:
        hint = _reset(headers.get("x-ratelimit-reset", ""), moment)
    if hint is None or hint > ABSURD:
        return None
    return max(timedelta(), hint)


def _retry_after(text: str, moment: datetime) -> timedelta | None:
    seconds = _seconds(text)
    if seconds is not None:
        return timedelta(seconds=seconds)
    until = _moment(text)
    return None if until is None else until - moment


def _reset(text: str, moment: datetime) -> timedelta | None:
    """Read seconds from now, or seconds since 1970, by magnitude; what lies between may be either."""
    seconds = _seconds(text)
    if seconds is None:
        return None
    if int(seconds) in _EPOCH:
        return timedelta(seconds=seconds - moment.timestamp())
    return timedelta(seconds=seconds) if seconds <= ABSURD.total_seconds() else None


def _seconds(text: str) -> float | None:
    found = _SECONDS.match(text)
    return max(0.0, min(float(found[1]), _MOST_SECONDS)) if found else None


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return _aware(moment)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
