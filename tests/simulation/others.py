"""Who else acts in a world: strangers at the vendor, and the person who looks there before they decide."""

import asyncio
from contextlib import suppress
from typing import Final

from mendflow.connectors.contract import JsonObject
from mendflow.connectors.errors import InvalidUse
from mendflow.connectors.sandbox.account import SHOP_UUID
from mendflow.connectors.sandbox.desk import Desk
from mendflow.connectors.sandbox.refusals import Refusal
from mendflow.connectors.sandbox.world import Command
from mendflow.connectors.virtual import LoopClock
from mendflow.graph.engine.resolutions import Resolution, resolve_effect
from mendflow.graph.engine.run import Ports
from mendflow.verifier.effect import Decision

from tests.simulation.names import Name, name_of
from tests.simulation.record import courses_of
from tests.simulation.shape import Shape
from tests.simulation.workloads import Person

PATIENCE: Final = 5
"""About how many parked effects somebody says something at a time."""
MERGES: Final = 0.3
"""The share of merges in what strangers do; the rest are awards."""


async def live_as_strangers(desk: Desk, clock: LoopClock, shape: Shape, everybody: list[Person]) -> None:
    """Award the same credits to the same contacts without a marker, or merge the contacts away."""
    dice = shape.dice("strangers")
    known = [person for person in everybody if "contact" in person]
    for _ in range(round(len(known) * shape.mix.strangers)):
        await asyncio.sleep(dice.expovariate(1))
        one, other = dice.choice(known), dice.choice(known)
        operation = "contacts.merge" if dice.random() < MERGES else "credit_receptions.create"
        award: JsonObject = {
            "contact_uuid": one["contact"],
            "shop_uuid": SHOP_UUID,
            "credits": one["credits"],
        }
        merge: JsonObject = {
            "source_contact_uuid": one["contact"],
            "destination_contact_uuid": other["contact"],
        }
        arguments = merge if operation == "contacts.merge" else award
        with suppress(Refusal):  # of a contact that was merged away before
            desk.world.apply(Command(operation=operation, arguments=arguments, at=desk.advance(clock.now())))


async def decide_by_looking(
    ports: Ports, run_id: str, desk: Desk, clock: LoopClock, choice: Decision
) -> None:
    """Say of each parked effect of a run what is true at the vendor; of what is not there, `choice`.

    `clock` is the vendor's own: that of the person's process may go wrong.
    """
    desk.advance(clock.now())
    made: dict[Name, JsonObject | None] = {
        name_of(effect.operation, effect.arguments): effect.result for effect in desk.world.effects
    }
    courses = courses_of(await ports.store.events(run_id))
    parked = [path for path, course in courses.items() if course.status == "parked"]
    for path in parked[:PATIENCE]:
        course = courses[path]
        is_there = course.name in made
        decision = Resolution(
            decision="done" if is_there else choice,
            by="eve",
            reason="it is in the dashboard" if is_there else "it is not in the dashboard",
            output=made.get(course.name),
        )
        with suppress(InvalidUse):  # it is another run's, or nothing was sent yet
            await resolve_effect(ports.home, ports.store, ports.clock, run_id, path, decision)
