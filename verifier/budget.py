"""What the effects of one run may come to: caps that are asked before an intent is written."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import isfinite

from pydantic import JsonValue

from ..connectors.contract import Frozen, ToolCall, ToolSpec
from .shape import properties_of


class EffectBudget(Frozen):
    """What the effects of one run may come to; None, or a name that is not there: no bound."""

    count: int | None = None
    per_recipient: int | None = None
    """Effects for one recipient, over all tools whose contract names one."""
    sums: dict[str, int] = {}
    """Name of an argument to what it may add up to over all effects."""


_UNBOUNDED = EffectBudget()


@dataclass(frozen=True, slots=True)
class _Share:
    """What one effect takes from the budget."""

    slot: str
    recipient: str
    amounts: tuple[tuple[str, Fraction], ...]


class EffectMeter:
    """Counts the effects of one run against its budget.

    A slot counts once, however often it is sent, and also when the vendor refused it; what is sent under it for
    somebody else, or for another amount, counts as one more. Effects under way at the same time share one meter:
    ask and add without awaiting anything in between, or two of them fill one last place.
    """

    def __init__(self, budget: EffectBudget = _UNBOUNDED) -> None:
        self._budget = budget
        self._held: Counter[_Share] = Counter()
        self._recipients: Counter[str] = Counter()
        self._sums: dict[str, Fraction] = dict.fromkeys(budget.sums, Fraction())

    def refusal(self, slot: str, spec: ToolSpec, call: ToolCall) -> str:
        """Say why this effect would go beyond the budget; empty: it is within, or counts already."""
        if self._share(slot, spec, call) in self._held:
            return ""
        return next(self._reasons(spec, call), "")

    def add(self, slot: str, spec: ToolSpec, call: ToolCall) -> None:
        """Count this effect, whether or not it is within: it is begun."""
        share = self._share(slot, spec, call)
        if share not in self._held:
            self._count(share, 1)
        self._held[share] += 1

    def drop(self, slot: str, spec: ToolSpec, call: ToolCall) -> None:
        """Take one `add` back, because the slot was not to be had; who else added the same holds it still."""
        share = self._share(slot, spec, call)
        if self._held[share] > 1:
            self._held[share] -= 1
        elif self._held.pop(share, 0):
            self._count(share, -1)

    def _share(self, slot: str, spec: ToolSpec, call: ToolCall) -> _Share:
        amounts = tuple((name, _amount(call, name)) for name in self._budget.sums)
        return _Share(slot, _recipient(spec, call), amounts)

    def _count(self, share: _Share, times: int) -> None:
        self._recipients[share.recipient] += times
        for name, amount in share.amounts:
            self._sums[name] += times * amount

    def _reasons(self, spec: ToolSpec, call: ToolCall) -> Iterator[str]:
        budget, made, recipient = self._budget, len(self._held), _recipient(spec, call)
        if budget.count is not None and made >= budget.count:
            yield f"this run has begun {_effects(made)}, and `budgets.effects.count` allows {budget.count}"
        had = self._recipients[recipient] if recipient else 0
        if budget.per_recipient is not None and recipient and had >= budget.per_recipient:
            yield (
                f"the recipient that `{spec.recipient}` names has {_effects(had)} of this run, and "
                f"`budgets.effects.per_recipient` allows {budget.per_recipient}"
            )
        for name, most in budget.sums.items():
            if name not in properties_of(spec.parameters) and name not in call.arguments:
                continue
            if not _is_number(call.arguments.get(name)):
                found = "no number" if name in call.arguments else "left out"
                yield f"`{name}` is {found}, and `budgets.effects.sum` has to add it up"
            total = self._sums[name] + _amount(call, name)
            if total > most:
                yield f"`{name}` would add up to {_plain(total)}, and `budgets.effects.sum` allows {most}"


def _recipient(spec: ToolSpec, call: ToolCall) -> str:
    """Return who gets the effect, in one spelling; empty where the tool or the call names nobody."""
    value = call.arguments.get(spec.recipient)
    return "" if value is None else str(value).casefold()


def _amount(call: ToolCall, name: str) -> Fraction:
    """Return the exact amount; what is negative, or no number, adds nothing and takes nothing off."""
    value = call.arguments.get(name)
    # By way of its text: the float 0.1 means one tenth here, not the binary fraction beside it.
    return max(Fraction(str(value)), Fraction()) if _is_number(value) else Fraction()


def _is_number(value: JsonValue) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and isfinite(value))


def _plain(amount: Fraction) -> str:
    return str(Decimal(amount.numerator) / amount.denominator)


def _effects(count: int) -> str:
    return "1 effect" if count == 1 else f"{count} effects"
