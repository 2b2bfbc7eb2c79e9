"""The tape of a replay: serves facts, performs nothing, recomputes decisions and compares."""

from typing import NoReturn

from pydantic import JsonValue

from ..connectors.contract import JsonObject, Performer
from .canonical import digest, first_difference
from .events import fact_key, key_order
from .tape import Change, Compute, Divergence, Recorded, no_change

_SHOWN = 120


class ReplayTape:
    """Serves one run's facts by key. The first difference raises `Divergence`."""

    def __init__(self, run_id: str, recorded: Recorded) -> None:
        self.run_id = run_id
        self._recorded = recorded
        self._served: set[str] = set()
        self._decided: set[str] = set()
        self._ended: set[str] = set()

    @property
    def served(self) -> int:
        """How many facts were asked for and matched."""
        return len(self._served)

    def recall(self, key: str) -> JsonObject | None:
        """Return a recorded fact, or None."""
        body = self._recorded.facts.get(key)
        if body is None:
            return None
        self._served.add(key)
        value = body["value"]
        return value if isinstance(value, dict) else None

    async def fact(
        self,
        key: str,
        request: JsonObject,
        perform: Performer,  # noqa: ARG002  # a replay performs nothing
        *,
        secret: bool = False,  # noqa: ARG002  # and so serves a secret's mask
    ) -> JsonObject:
        """Return the recorded value after comparing the request."""
        body = self._recorded.facts.get(key)
        if body is None:
            raise Divergence(key, "", None, request, "the recorded run did not ask this.", missing=True)
        if digest(body["request"]) != digest(request):  # not the recorded digest: that is of unmasked secrets
            _differ(key, body["request"], request, "the request is another one")
        value = self.recall(key)
        return value if value is not None else {}

    async def claim(
        self,
        path: str,
        attempt: int,
        slot: str,
        request: JsonObject,
        *,
        repeatable: bool,  # noqa: ARG002  # no effect is touched
        beyond: str = "",  # noqa: ARG002  # whether it was beyond the budget then is on record
    ) -> JsonObject:
        """Return what the slot's standing was."""
        key = fact_key(path, attempt, "call")
        intent = self._recorded.intents.get(key)
        if intent is not None:
            if intent["slot"] != slot:
                raise Divergence(key, "slot", intent["slot"], slot, "the slot is another one.")
            if digest(intent["request"]) != digest(request):
                _differ(key, intent["request"], request, "the arguments are other ones")
            return {"standing": "mine"}
        known = self.recall(fact_key(path, attempt, "slot"))
        if known is None:
            raise Divergence(
                key, "slot", None, slot, "the recorded run did not make this write.", missing=True
            )
        return known

    def decide(self, key: str, compute: Compute, change: Change = no_change) -> JsonObject:  # noqa: ARG002  # no effect is touched
        """Compute the decision and compare it with the recorded one."""
        decision = compute()
        self._decided.add(key)
        self._compare(key, self._recorded.decisions.get(key), decision, "the verdict is another one")
        return decision

    def reopened(self, path: str, attempt: int) -> bool:
        """Return whether the recorded run went on to another attempt."""
        kinds = ("call", "slot", "model", "verdict", "count")
        following = {fact_key(path, attempt + 1, kind) for kind in kinds}
        return not following.isdisjoint(self._recorded.facts.keys() | self._recorded.decisions.keys())

    def heal(self, key: str, record: JsonObject) -> None:
        """Compare a heal."""
        self._compare(key, self._recorded.heals.get(key), record, "the heal is another one")

    def ended(self, path: str) -> JsonObject | None:  # noqa: ARG002  # a replay runs everything again
        """Return nothing: a replay runs everything again."""
        return None

    def end(self, key: str, result: JsonObject) -> None:
        """Compare the end of a step or item."""
        self._ended.add(key)
        self._compare(key, self._recorded.ends.get(key), result, "the result is another one")

    def finish(self) -> None:
        """Raise Divergence if the record holds more than the replay asked for."""
        for name, have, seen in (
            ("fact", self._recorded.facts, self._served),
            ("verdict", self._recorded.decisions, self._decided),
            ("end", self._recorded.ends, self._ended),
        ):
            missing = sorted(have.keys() - seen, key=key_order)
            if missing:
                raise Divergence(
                    missing[0],
                    "",
                    None,
                    None,
                    f"the recorded run has this {name}, the replay never came to it.",
                )

    def close(self, closing: JsonObject) -> None:
        """Compare how the run closed, if it did."""
        recorded = self._recorded.closing
        if recorded:
            old: JsonObject = {name: recorded.get(name) for name in closing}
            self._compare("end of the run", old, closing, "the run's result is another one")

    def _compare(self, key: str, old: JsonObject | None, new: JsonObject, what: str) -> None:
        if old is None:
            raise Divergence(key, "", None, new, "the recorded run did not come to this.", missing=True)
        if digest(old) != digest(new):
            _differ(key, old, new, what)


def _differ(key: str, old: JsonValue, new: JsonValue, what: str) -> NoReturn:
    found = first_difference(old, new)
    field, before, after = found or ("", old, new)
    raise Divergence(
        key, field, before, after, f"{what}: `{field}` was {_short(before)}, is {_short(after)}."
    )


def _short(value: JsonValue) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
