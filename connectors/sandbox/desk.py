"""The vendor's front desk: one request in, a plan for its answer out. No waiting, no sockets.

In order: route, rate limit, bearer check, fault, effect, answer. All of it happens in one go, so requests
take effect one after the other, in the order in which they arrived. A late one arrives when it is due; those
that still travel when the desk is given up are lost.
"""

import gzip
import hmac
from bisect import insort
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import cache
from itertools import takewhile
from typing import Final

import orjson
from pydantic import JsonValue, SecretStr

from ..contract import JsonObject
from ..credentials import key_id_of
from .bodies import read_body, read_fields
from .drift import distort
from .faults import AFTER, Aftermath, FaultKind, FaultOrder, FaultQueue
from .refusals import CREATING_IN_PROGRESS, INVALID_INPUT, Refusal
from .replica import Replica
from .routes import Match, find_route
from .served import Served
from .world import READS, RESET, ROTATE_KEY, Command, World

WINDOW: Final = timedelta(seconds=60)
_KEPT_REQUESTS: Final = 10_000
_NOT_FOUND: Final[dict[int, str]] = {404: "Not Found", 405: "Method Not Allowed"}
_INTERNAL_ERROR: Final[JsonObject] = {
    "message": "Interne fout. / Internal error.",
    "code": 1000,
    "status_code": 500,
}
_UNAUTHORIZED: Final[dict[str, JsonObject]] = {
    "oauth": {"error": "invalid_token", "error_description": "The access token is invalid."},
    "framework": {"message": "Unauthenticated."},
    "vendor": {"message": "Unauthenticated.", "code": 401, "status_code": 401},
}
"""No source shows the body of a 401, so all three plausible ones are served in turn (inference)."""
_HTML: Final = {"Content-Type": "text/html; charset=UTF-8"}
_PAGE: Final = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>\n"


@dataclass(frozen=True, slots=True)
class Incoming:
    """One request as it arrived."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    """Names in lower case."""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to answer, after `delay`."""

    status: int
    body: JsonObject = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    delay: timedelta = timedelta()
    cut: bool = False
    """Nothing is answered: the connection is aborted."""
    raw: bytes | None = None
    """Sent as they are, in place of `body`."""
    torn: bool = False
    """The answer promises all of `content` and ends in its midst: only `part` is sent."""

    @property
    def content(self) -> bytes:
        """The bytes of the answer's body."""
        return orjson.dumps(self.body) if self.raw is None else self.raw

    @property
    def part(self) -> bytes:
        """The bytes that come through: all, unless the answer is torn."""
        content = self.content
        return content[: len(content) // 2] if self.torn else content


CUT: Final = Plan(0, cut=True)


@dataclass(slots=True)
class Window:
    """The vendor's counter of requests: so many in a fixed minute."""

    limit: int
    opened: datetime | None = None
    used: int = 0

    def count(self, at: datetime) -> int:
        """Count one request and return how many are left; negative when it is one too many."""
        if self.opened is None or at >= self.opened + WINDOW:
            self.opened, self.used = at, 0
        self.used += 1
        return self.limit - self.used

    def left(self, at: datetime) -> timedelta:
        """Return how long the window still lasts."""
        return WINDOW if self.opened is None else self.opened + WINDOW - at


class Desk:
    """Serves a world. `record` is given each command that changed it, in the order in which it did."""

    def __init__(
        self,
        world: World,
        *,
        record: Callable[[Command], None],
        publish_key: Callable[[str], None],
        requests_per_minute: int,
    ) -> None:
        self.world = world
        self.faults = FaultQueue()
        self.requests: deque[JsonObject] = deque(maxlen=_KEPT_REQUESTS)
        self._record = record
        self._publish_key = publish_key
        self._window = Window(requests_per_minute)
        self._latest: datetime | None = None
        self._turns = 0
        self._replica = Replica(world)
        self._late: list[Command] = []

    def replay(self, commands: tuple[Command, ...]) -> None:
        """Bring the world to where it was; raise Refusal or KeyError at a command that it does not know."""
        for command in commands:
            self.world.apply(command)
            self._latest = command.at

    def handle(self, request: Incoming, now: datetime) -> Plan:
        """Do what a request asks for, and plan its answer."""
        at = self.advance(now)
        self.requests.append(_describe(request, at))
        remaining = self._window.count(at)
        match = find_route(request.method, request.path)
        if isinstance(match, int):
            plan = Plan(match, {"message": _NOT_FOUND[match]})
        elif remaining < 0:
            plan = _throttle(at, self._window.left(at), "seconds")
        elif not self._is_known(request.headers.get("authorization", "")):
            plan = self._reject("")
        else:
            plan = self._serve(match, request, at)
        limits = {
            "X-RateLimit-Limit": str(self._window.limit),
            "X-RateLimit-Remaining": str(max(0, remaining)),
        }
        return replace(plan, headers=limits | plan.headers)

    def advance(self, now: datetime) -> datetime:
        """Let everything that is due take place; return the moment, since the world's time never runs back."""
        at = self._tick(now)
        while self._late and self._late[0].at <= at:
            with suppress(Refusal):  # it came too late for anybody to hear why
                self._change(self._late.pop(0))
        return at

    def truth(self, now: datetime) -> JsonObject:
        """Return what truly took place by now, and the late requests that still travel."""
        self.advance(now)
        travelling: list[JsonValue] = [command.model_dump(mode="json") for command in self._late]
        return self.world.truth() | {"late": travelling}

    def reset(self, now: datetime) -> None:
        """Begin again: a fresh account, the first key, no faults, no requests."""
        self._change(Command(operation=RESET, arguments={}, at=self._tick(now)))
        self._publish_key(self.world.key)
        self.faults.clear()
        self.requests.clear()
        self._late.clear()
        self._replica = Replica(self.world)
        self._window = Window(self._window.limit)

    def _tick(self, now: datetime) -> datetime:
        """Return the moment of what happens now, which is never before the last one."""
        self._latest = now if self._latest is None else max(now, self._latest)
        return self._latest

    def _is_known(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(token.encode(), self.world.key.encode())

    def _serve(self, match: Match, request: Incoming, at: datetime) -> Plan:
        orders = self.faults.orders_for(match.operation)
        if not orders or orders[0].is_drift:
            return self._drift(self._perform(match, request, at), orders)
        self.faults.spend(orders[0])
        return self._strike(orders[0], match, request, at)

    def _strike(self, fault: FaultOrder, match: Match, request: Incoming, at: datetime) -> Plan:
        match fault.kind:
            case "rate_limit":
                return _throttle(at, _told_wait(fault.detail), fault.detail)
            case "unauthorized":
                self._change(Command(operation=ROTATE_KEY, arguments={}, at=at))
                self._publish_key(self.world.key)
                return self._reject(fault.detail)
            case "lost_request":
                return CUT
            case "late":
                with suppress(Refusal):  # what cannot be read has no effect, now or later
                    insort(self._late, _command(match, request, at + fault.delay), key=_moment)
                return CUT
            case "refused" | "disguised" | "redirect" | "forbidden":
                return _instead(fault)
            case "server_error" | "bad_gateway" | "creating" | "maintenance":
                if fault.detail == AFTER:
                    self._perform(match, request, at)
                return _instead(fault)
            case "drift_rename" | "drift_wrap" | "drift_retype" | "drift_null":
                return self._perform(match, request, at)  # `_drift` spoils it
            case _:
                return _spoil(fault.kind, fault.delay, self._perform(match, request, at, fault))

    def _perform(
        self, match: Match, request: Incoming, at: datetime, fault: FaultOrder | None = None
    ) -> Plan:
        """Do what a request asks for; its effect is hidden from reads if the fault says so."""
        place = len(self.world.effects)
        try:
            command = _command(match, request, at)
            served = self._replica.read(command) if match.operation in READS else self._change(command)
        except Refusal as refusal:
            return _refuse(refusal)
        if served.wrote and fault is not None and fault.kind in {"lag", "lost_reply"}:
            self._replica.hide(place, at + fault.delay)
        return Plan(served.status, served.body())

    def _change(self, command: Command) -> Served:
        served = self.world.apply(command)
        if served.wrote:
            self._record(command)
        return served

    def _drift(self, plan: Plan, orders: list[FaultOrder]) -> Plan:
        """Spoil the data of a success by the first drift that finds something to spoil; the others wait."""
        if plan.status >= 400:  # noqa: PLR2004  # refusals hold no data
            return plan
        data = plan.body.get("data")
        for order in takewhile(lambda order: order.is_drift, orders):
            drifted = distort(order, data)
            if drifted != data:
                self.faults.spend(order)
                return replace(plan, body={**plan.body, "data": drifted})
            self.faults.postpone(order)
        return plan

    def _reject(self, shape: str) -> Plan:
        shapes = tuple(_UNAUTHORIZED)
        chosen = shape or shapes[self._turns % len(shapes)]
        self._turns += 1
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'} if chosen == "oauth" else {}
        return Plan(401, _UNAUTHORIZED[chosen], headers)


def _command(match: Match, request: Incoming, at: datetime) -> Command:
    body = read_body(request.headers.get("content-type", ""), request.body)
    arguments: JsonObject = {**read_fields(request.query), **body, **match.arguments}
    return Command.model_construct(operation=match.operation, arguments=arguments, at=at)


def _moment(command: Command) -> datetime:
    return command.at


def _refuse(refusal: Refusal) -> Plan:
    return Plan(400, refusal.body())


def _page(status: int, title: str) -> Plan:
    return Plan(status, headers=_HTML, raw=_PAGE.format(title).encode())


_INSTEAD: Final[dict[FaultKind, Plan]] = {
    "server_error": Plan(500, _INTERNAL_ERROR),
    "bad_gateway": _page(502, "502 Bad Gateway"),
    "creating": _refuse(Refusal(CREATING_IN_PROGRESS)),
    "forbidden": Plan(403, {"message": "This action is unauthorized."}),
    "maintenance": _page(503, "Be right back."),
}
_GZIP: Final = {"Content-Encoding": "gzip"}
_UNFOLDED: Final = 20 * 1024 * 1024


@cache
def _bomb() -> bytes:
    return gzip.compress(b'{"data":"' + b"a" * _UNFOLDED + b'"}')


def _instead(fault: FaultOrder) -> Plan:
    """Return the answer that a fault gives in place of the vendor's."""
    match fault.kind:
        case "refused":
            return _refuse(Refusal(int(fault.detail or INVALID_INPUT)))
        case "disguised":
            return replace(_refuse(Refusal(int(fault.detail or INVALID_INPUT))), status=200)
        case "redirect":
            return Plan(int(fault.detail or 302), headers={"Location": "/login", **_HTML}, raw=b"")
        case kind:
            plan = _INSTEAD[kind]
            hint = {"Retry-After": fault.detail} if fault.detail.isdigit() else {}
            return replace(plan, headers=plan.headers | hint)


def _spoil(kind: Aftermath, delay: timedelta, plan: Plan) -> Plan:
    """Change the answer to what was done."""
    return replace(plan, delay=delay) if kind == "slow" else _SPOILED[kind](plan)


_SPOILED: Final[dict[Aftermath, Callable[[Plan], Plan]]] = {
    "lost_reply": lambda _: CUT,
    "lag": lambda plan: plan,
    "garbled": lambda plan: _page(plan.status, "Welcome"),
    "truncated": lambda plan: replace(plan, torn=True),
    "empty": lambda plan: replace(plan, raw=b""),
    "duplicate_key": lambda plan: replace(plan, raw=b'{"data":null,' + plan.content[1:]),
    "null_data": lambda plan: replace(plan, body={**plan.body, "data": None}),
    "denied": lambda plan: replace(plan, body={**plan.body, "success": False}),
    "not_a_number": lambda plan: replace(plan, raw=plan.content[:-1] + b',"rate":NaN}'),
    "latin1": lambda plan: replace(plan, raw=plan.content[:-1] + b',"shop":"caf\xe9"}'),
    "bomb": lambda plan: replace(plan, headers=_GZIP, raw=_bomb()),
    "torn_gzip": lambda plan: replace(plan, headers=_GZIP, raw=gzip.compress(plan.content)[:-12]),
}


def _told_wait(detail: str) -> timedelta:
    return timedelta(seconds=int(detail) if detail.isdigit() else 1)


def _throttle(at: datetime, wait: timedelta, hint: str) -> Plan:
    """Plan a 429 as the vendor's framework would (inference), or with one of the hints that others give."""
    body: JsonObject = {"message": "Too Many Attempts."}
    # Whole seconds, rounded up: a client that waits as told must not be early.
    until = (at + wait).replace(microsecond=0) + timedelta(seconds=1 if (at + wait).microsecond else 0)
    seconds, epoch = -(-wait // timedelta(seconds=1)), int(until.timestamp())
    match hint:
        case "none":
            told = {}
        case "date":
            told = {"Retry-After": format_datetime(until, usegmt=True)}
        case "reset":
            told = {"X-RateLimit-Reset": str(epoch)}
        case "milliseconds":
            told = {"X-RateLimit-Reset": str(epoch * 1000)}
        case "draft":
            told = {"RateLimit": f'"default";r=0;t={seconds}'}
        case "absurd":
            told = {"Retry-After": "999999999"}
        case _:
            told = {"Retry-After": str(seconds), "X-RateLimit-Reset": str(epoch)}
    return Plan(429, body, {"X-RateLimit-Remaining": "0"} | told)


def _describe(request: Incoming, at: datetime) -> JsonObject:
    headers = dict(request.headers)
    if "authorization" in headers:
        scheme, _, token = headers["authorization"].partition(" ")
        headers["authorization"] = f"{scheme} {key_id_of(SecretStr(token))}"
    return {
        "method": request.method,
        "path": request.path,
        "query": dict(request.query),
        "headers": {**headers},
        "body": request.body.decode("utf-8", "replace"),
        "at": at.isoformat(),
    }
