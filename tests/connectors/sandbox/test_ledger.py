"""Listing loyalty transactions: pages, order, filters."""

from datetime import UTC, datetime, timedelta

import pytest
from mendflow.connectors.sandbox.account import CONTACT_EMAIL, SHOP_UUID
from mendflow.connectors.sandbox.refusals import Refusal
from mendflow.connectors.sandbox.world import Command, World
from pydantic import JsonValue

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    """250 receptions of one contact, one a second, of 1, 2, 3 … credits; every tenth in the other shop."""
    world = World()
    contact = world.state.emails[CONTACT_EMAIL]
    other = next(uuid for uuid in world.state.shops if uuid != SHOP_UUID)
    for number in range(1, 251):
        arguments: dict[str, JsonValue] = {
            "contact_uuid": contact,
            "shop_uuid": other if number % 10 == 0 else SHOP_UUID,
            "credits": number,
        }
        at = START + timedelta(seconds=number)
        world.apply(Command(operation="credit_receptions.create", arguments=arguments, at=at))
    return world


def credits_of(world: World, **arguments: JsonValue) -> tuple[list[JsonValue], JsonValue]:
    """Return the credits of one page, and its meta."""
    at = START + timedelta(hours=1)
    served = world.apply(Command(operation="loyalty_transactions.list", arguments=arguments, at=at))
    assert isinstance(served.data, list)
    return [row["credits"] for row in served.data if isinstance(row, dict)], served.meta


def test_pages_cover_everything_once(world: World) -> None:
    """Three pages of a hundred hold all 250, in either order, and say so in their meta."""
    contact = world.state.emails[CONTACT_EMAIL]
    pages = [credits_of(world, contact_uuid=contact, page=page, limit=100) for page in (1, 2, 3, 4)]
    assert [number for page, _ in pages for number in page] == list(range(1, 251))
    assert pages[2][1] == {
        "page": 3,
        "limit": 100,
        "viewing_from": 201,
        "viewing_to": 250,
        "last_page": 3,
        "total": 250,
    }
    assert pages[3][0] == []
    newest = [credits_of(world, sort="-created_at", page=page, limit=100)[0] for page in (1, 2, 3, 4)]
    assert [number for page in newest for number in page] == list(range(250, 0, -1))


def test_a_page_holds_ten_unless_told_otherwise(world: World) -> None:
    """The default limit is ten, oldest first."""
    assert credits_of(world)[0] == list(range(1, 11))


def test_filters_narrow_the_listing(world: World) -> None:
    """Shop, contact, type and moment filter, alone and together."""
    contact = world.state.emails[CONTACT_EMAIL]
    other = next(uuid for uuid in world.state.shops if uuid != SHOP_UUID)
    tens = list(range(10, 251, 10))
    assert credits_of(world, shop_uuid=other, limit=100)[0] == tens
    assert credits_of(world, shop_uuid=other, contact_uuid=contact, limit=100)[0] == tens
    assert credits_of(world, type="reward_receptions")[0] == []
    assert credits_of(world, type="credit_receptions", limit=1)[0] == [1]
    span: JsonValue = {"gt": "2026-03-01T12:00:02Z", "lte": "2026-03-01T12:00:05+00:00"}
    assert credits_of(world, created_at=span)[0] == [3, 4, 5]


def test_what_a_merged_contact_was_given_is_listed_under_the_other() -> None:
    """Nobody's transactions are refused, not empty: after a merge they stand where the contact lives on."""
    world = World()
    contacts = world.state.emails
    source, destination = contacts[CONTACT_EMAIL], contacts["omar.haddad@example.com"]
    award: dict[str, JsonValue] = {"contact_uuid": source, "shop_uuid": SHOP_UUID, "credits": 7}
    merge: dict[str, JsonValue] = {"source_contact_uuid": source, "destination_contact_uuid": destination}
    world.apply(Command(operation="credit_receptions.create", arguments=award, at=START))
    world.apply(Command(operation="contacts.merge", arguments=merge, at=START))
    for nobody in (source, "nobody"):
        with pytest.raises(Refusal) as refusal:
            credits_of(world, contact_uuid=nobody)
        assert refusal.value.code == 55031
    assert credits_of(world, contact_uuid=destination)[0] == [7]


@pytest.mark.parametrize(
    "wrong",
    [{"type": "credit_reception"}, {"limit": 101}, {"limit": 0}, {"page": 0}, {"sort": "credits"}],
    ids=str,
)
def test_odd_arguments_are_refused(world: World, wrong: dict[str, JsonValue]) -> None:
    """The singular type, pages out of bounds and unknown orders are invalid input."""
    with pytest.raises(Refusal) as refusal:
        credits_of(world, **wrong)
    assert refusal.value.code == 1003
