"""The simulator sees: with something naive in the place of what is shipped, it finds what must never be."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.sandbox.desk import Desk, Incoming, Plan
from mendflow.journal.events import EventDraft
from mendflow.journal.store import EffectChange, Held, Ownership, SlotChoice
from mendflow.journal.tables import Tables

from tests.simulation.campaign import WorldName, live_through
from tests.simulation.world import Seams

WORLDS = [WorldName(seed, "lossy", 40) for seed in range(1, 9)]


class Forgetful(Tables):
    """A journal that grants every slot and writes no intent."""

    def begin(
        self, owner: Ownership, slot: str, path: str, choose: Callable[[Held | None], SlotChoice]
    ) -> JsonObject:
        del owner, slot, path, choose
        return {"standing": "mine"}

    def append(self, owner: Ownership, *events: EventDraft, change: EffectChange | None = None) -> None:
        del change
        super().append(owner, *events)


class Short(Desk):
    """A vendor whose listing of transactions loses its last page."""

    def handle(self, request: Incoming, now: datetime) -> Plan:
        plan = super().handle(request, now)
        meta = plan.body.get("meta")
        is_last = isinstance(meta, dict) and meta.get("page") == meta.get("last_page")
        if request.path.endswith("/loyalty-transactions") and is_last:
            return replace(plan, body={**plan.body, "data": []})
        return plan


@pytest.mark.parametrize(
    "seams",
    [
        pytest.param(Seams(tables=Forgetful), id="no intents"),
        pytest.param(Seams(desk=Short), id="no last page"),
        pytest.param(Seams(declared=timedelta()), id="no settle time"),
    ],
)
def test_a_naive_world_doubles(seams: Seams) -> None:
    """Where a guard is missing, effects are doubled; the shipped code keeps the same world clean."""
    doubled = next(
        name for name in WORLDS if any("doubled" in one for one in live_through(name, seams).violations)
    )
    assert live_through(doubled).violations == ()
