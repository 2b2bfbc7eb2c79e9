"""How long we wait by ourselves before another try. Pure arithmetic; what the vendor asks for is in `hints`."""

import hashlib
from datetime import timedelta

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_exponential

FIRST_WAIT = timedelta(seconds=0.2)
LONGEST_BACKOFF = timedelta(seconds=20)

_GROWTH = wait_exponential(multiplier=FIRST_WAIT.total_seconds(), max=LONGEST_BACKOFF.total_seconds())


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
