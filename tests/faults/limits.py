"""Forms of a rate limit and of maintenance: how long to wait, by every header that says so."""

from typing import Final

from tests.faults.form import (
    DEADLINE,
    DISBELIEVED,
    HTML,
    JSON,
    SIX,
    TWENTY,
    Cause,
    Form,
    exactly,
    http,
)

_EPOCH: Final = 1_795_341_600
"""The far side's clock in seconds since 1970."""
_TOO_MANY: Final = b'{"message":"Too Many Attempts."}'
_THROTTLED: Final = Cause("rate_limit", "status 429: the vendor asks for fewer calls", {"status": 429})
_DOWN: Final = Cause("maintenance", "the vendor's server failed with status 503", {"status": 503})


def _throttled(
    name: str, seen: str, *headers: str, told: float = 0.0, refused: str = TWENTY, body: bytes = _TOO_MANY
) -> Form:
    return Form(
        name=name,
        seen=f"429, {seen}",
        sent=http("429 Too Many Requests", body, JSON, *headers),
        cause=_THROTTLED,
        write="refused",
        told=told,
        refused=refused,
    )


LIMITS: Final = (
    _throttled("retry-after-seconds", "`Retry-After: 3`", "Retry-After: 3", told=3),
    _throttled("retry-after-float", "`Retry-After: 1.5`", "Retry-After: 1.5", told=1.5),
    _throttled("retry-after-zero", "`Retry-After: 0`", "Retry-After: 0"),
    _throttled("retry-after-negative", "`Retry-After: -4`", "Retry-After: -4"),
    _throttled(
        "retry-after-http-date",
        "`Retry-After` a date 20 s after the answer's own `Date`",
        "Retry-After: Sun, 22 Nov 2026 10:00:20 GMT",
        told=20,
    ),
    _throttled(
        "retry-after-rfc-850-date",
        "the same in the form of RFC 850",
        "Retry-After: Sunday, 22-Nov-26 10:00:20 GMT",
        told=20,
    ),
    _throttled(
        "retry-after-asctime-date",
        "the same in the form of asctime",
        "Retry-After: Sun Nov 22 10:00:20 2026",
        told=20,
    ),
    _throttled(
        "retry-after-past-date",
        "`Retry-After` a date before the answer's own `Date`",
        "Retry-After: Sun, 22 Nov 2026 09:59:00 GMT",
    ),
    Form(
        name="retry-after-date-without-date",
        seen="429, `Retry-After` a date 9 s after our clock, and no `Date`",
        sent=exactly(
            b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: Sun, 22 Nov 2026 12:00:09 GMT\r\n"
            b"Content-Length: 2\r\n\r\n{}"
        ),
        cause=_THROTTLED,
        write="refused",
        told=9,
        refused=TWENTY,
    ),
    _throttled(
        "retry-after-a-day", "`Retry-After: 86400`", "Retry-After: 86400", told=86_400, refused=DEADLINE
    ),
    _throttled("retry-after-absurd", "`Retry-After: 86401`", "Retry-After: 86401", refused=DISBELIEVED),
    _throttled(
        "retry-after-absurd-date",
        "`Retry-After` a date in 2099",
        "Retry-After: Sun, 22 Nov 2099 10:00:00 GMT",
        refused=DISBELIEVED,
    ),
    _throttled("retry-after-unreadable", "`Retry-After: soon`", "Retry-After: soon", refused=DISBELIEVED),
    _throttled(
        "retry-after-twice", "`Retry-After: 3` and another of 7", "Retry-After: 3", "Retry-After: 7", told=7
    ),
    _throttled(
        "retry-after-and-reset",
        "`Retry-After: 2` and `X-RateLimit-Reset: 30`",
        "Retry-After: 2",
        "X-RateLimit-Reset: 30",
        told=2,
    ),
    _throttled(
        "reset-delta",
        "`X-RateLimit-Reset: 30`, `X-RateLimit-Remaining: 0`",
        "X-RateLimit-Reset: 30",
        "X-RateLimit-Remaining: 0",
        told=30,
    ),
    _throttled(
        "reset-epoch-seconds",
        "`X-RateLimit-Reset` an epoch in seconds, 15 s after the answer's `Date`",
        f"X-RateLimit-Reset: {_EPOCH + 15}",
        told=15,
    ),
    _throttled(
        "reset-epoch-milliseconds",
        "the same in milliseconds",
        f"X-RateLimit-Reset: {(_EPOCH + 15) * 1000}",
        told=15,
    ),
    _throttled("reset-negative", "`X-RateLimit-Reset: -30`", "X-RateLimit-Reset: -30"),
    _throttled(
        "reset-ambiguous",
        "`X-RateLimit-Reset: 30000`, seconds or milliseconds",
        "X-RateLimit-Reset: 30000",
        refused=DISBELIEVED,
    ),
    _throttled(
        "reset-microseconds",
        "`X-RateLimit-Reset` an epoch in microseconds",
        f"X-RateLimit-Reset: {_EPOCH}000000",
        refused=DISBELIEVED,
    ),
    _throttled(
        "reset-with-calls-left",
        "`X-RateLimit-Reset: 30`, `X-RateLimit-Remaining: 4999`",
        "X-RateLimit-Reset: 30",
        "X-RateLimit-Remaining: 4999",
    ),
    _throttled(
        "ratelimit-policies",
        "`RateLimit` of IETF drafts 08 to 11, two policies used up",
        'RateLimit-Policy: "burst";q=5;w=5, "day";q=900;w=86400',
        'RateLimit: "burst";r=0;t=5, "day";r=0;t=50',
        told=50,
    ),
    _throttled(
        "ratelimit-list", "`RateLimit` of draft 07", "RateLimit: limit=9, remaining=0, reset=30", told=30
    ),
    _throttled(
        "ratelimit-reset",
        "`RateLimit-Reset: 30` of the drafts before",
        "RateLimit-Remaining: 0",
        "RateLimit-Reset: 30",
        told=30,
    ),
    _throttled("no-hint", "no hint"),
    _throttled("remaining-zero-only", "`X-RateLimit-Remaining: 0` and no more", "X-RateLimit-Remaining: 0"),
    _throttled(
        "in-the-vendors-envelope",
        "a whole error of the vendor",
        "Retry-After: 3",
        body=b'{"message":"Slow down.","code":429,"status_code":429}',
        told=3,
    ),
    _throttled(
        "daily-quota",
        "`Retry-After: 36000`, `X-RateLimit-Remaining: 0`",
        "Retry-After: 36000",
        "X-RateLimit-Remaining: 0",
        told=36_000,
        refused=DEADLINE,
    ),
    Form(
        name="429-html",
        seen="429, a page of a proxy",
        sent=http("429 Too Many Requests", b"<html>Slow down</html>", HTML, "Retry-After: 3"),
        cause=Cause(_THROTTLED.kind, _THROTTLED.detail, {"status": 429, "flaw": "html"}),
        write="refused",
        told=3,
        refused=TWENTY,
    ),
    Form(
        name="maintenance",
        seen="503",
        sent=http("503 Service Unavailable", b"{}", JSON),
        cause=_DOWN,
        refused=f"{SIX}; five failures in a row let one call through now and then",
    ),
    Form(
        name="maintenance-retry-after",
        seen="503, `Retry-After: 120`",
        sent=http("503 Service Unavailable", b"{}", JSON, "Retry-After: 120"),
        cause=_DOWN,
        told=120,
        refused=f"{SIX}; five failures in a row let one call through now and then",
    ),
)
