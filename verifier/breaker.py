"""When a vendor is down, who still asks: one call now and then, and not all of them again and again.

A budget for each call alone multiplies the calls of an outage by the number of attempts, just when the vendor has
the least to give. So a connection that failed several times in a row lets one call through at growing intervals;
the others are not sent, which is recorded as what came back to them. Any answer that is not the server's own
failure closes it.
"""

from datetime import datetime, timedelta

from ..connectors.contract import Answer, NoAnswer

TRIPS_AFTER = 5
"""Failures in a row: at one fault in ten calls, one call in a hundred thousand begins such a row."""
FIRST_INTERVAL = timedelta(seconds=1)
LONGEST_INTERVAL = timedelta(seconds=20)


class Breaker:
    """The health of one connection, as its own calls show it."""

    def __init__(self) -> None:
        self._failures = 0
        self._interval = FIRST_INTERVAL
        self._next: datetime | None = None
        """When the next call may try; None as long as the connection is not known to be down."""

    def why_not(self, now: datetime) -> str:
        """Say why a call must not leave now; empty when it may. The one that may tries for all the others."""
        if self._next is None:
            return ""
        if now < self._next:
            return f"the last {self._failures} calls failed; the next one tries at {self._next.isoformat()}"
        self._next = now + self._interval
        self._interval = min(self._interval * 2, LONGEST_INTERVAL)
        return ""

    def note(self, outcome: Answer | NoAnswer, now: datetime) -> None:
        """Take what came back to a call that left into account."""
        if isinstance(outcome, Answer) and outcome.status < 500:  # noqa: PLR2004  # RFC 9110, 15.6: the server's own failures
            self._failures, self._interval, self._next = 0, FIRST_INTERVAL, None
            return
        self._failures += 1
        if self._next is None and self._failures >= TRIPS_AFTER:
            self._next = now + self._interval
