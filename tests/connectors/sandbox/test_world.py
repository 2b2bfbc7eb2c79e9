"""The world behind the sandbox: deterministic, and consistent in its sums."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mendflow.connectors.contract import JsonObject
from mendflow.connectors.sandbox.account import (
    ANONYMOUS_CONTACT_UUID,
    BOOKING_UUID,
    CONTACT_EMAIL,
    IDENTIFIER_VALUE,
    MAX_CREDITS,
    POS_TRANSACTION_UUID,
    PROMOTION_UUID,
    SHOP_UUID,
    VOUCHER_LIMIT,
)
from mendflow.connectors.sandbox.refusals import Refusal
from mendflow.connectors.sandbox.world import SETTLE, Command, World
from pydantic import JsonValue

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
EMAILS = ("ada@example.com", "Ada@Example.com", "bob@example.com", CONTACT_EMAIL)


def data_of(world: World, operation: str, at: datetime = START, /, **arguments: JsonValue) -> JsonValue:
    """Return the data of one success."""
    return world.apply(Command(operation=operation, arguments=arguments, at=at)).data


def object_of(world: World, operation: str, at: datetime = START, /, **arguments: JsonValue) -> JsonObject:
    """Return the data of one success that is an object."""
    data = data_of(world, operation, at, **arguments)
    assert isinstance(data, dict)
    return data


def code_of(world: World, operation: str, at: datetime = START, /, **arguments: JsonValue) -> int:
    """Return the code of one refusal."""
    with pytest.raises(Refusal) as refusal:
        data_of(world, operation, at, **arguments)
    return refusal.value.code


def uuid_of(world: World, email: str = CONTACT_EMAIL) -> str:
    """Return a contact's uuid."""
    return str(object_of(world, "contacts.find_or_create", email=email)["uuid"])


CALLS = st.one_of(
    st.tuples(st.just("contacts.find_or_create"), st.fixed_dictionaries({"email": st.sampled_from(EMAILS)})),
    st.tuples(
        st.just("credit_receptions.create"),
        st.fixed_dictionaries(
            {"contact_uuid": st.sampled_from(EMAILS), "shop_uuid": st.sampled_from((SHOP_UUID, "gone"))},
            optional={
                "credits": st.integers(-500, MAX_CREDITS + 5),
                "unit_value": st.floats(-100, 1000, allow_nan=False),
                "slot": st.text(max_size=5),
            },
        ),
    ),
    st.tuples(
        st.just("contacts.merge"),
        st.fixed_dictionaries(
            {
                "source_contact_uuid": st.sampled_from(EMAILS),
                "destination_contact_uuid": st.sampled_from(EMAILS),
            }
        ),
    ),
    st.tuples(
        st.just("contacts.claim"),
        st.fixed_dictionaries(
            {"anonymous_contact_uuid": st.just(ANONYMOUS_CONTACT_UUID), "email": st.sampled_from(EMAILS)}
        ),
    ),
    st.tuples(
        st.just("vouchers.batch"),
        st.fixed_dictionaries(
            {"promotion_uuid": st.just(PROMOTION_UUID), "quantity": st.integers(0, 30)},
            optional={"contact_uuid": st.sampled_from(EMAILS)},
        ),
    ),
    st.tuples(
        st.just("loyalty_transaction_attributes.create"),
        st.just({"name": "slot", "label": "Slot", "data_type": "text"}),
    ),
    st.tuples(st.just("loyalty_transactions.list"), st.just({})),
    st.tuples(st.just("sandbox.rotate_key"), st.just({})),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CALLS, st.integers(0, 400)), max_size=25))
def test_the_same_commands_give_the_same_world(calls: list[tuple[tuple[str, JsonObject], int]]) -> None:
    """Replaying only what was written gives an equal world; balances are sums, codes and e-mails unique."""
    lived, written, at = World(), [], START
    for (operation, arguments), gap in calls:
        at += timedelta(milliseconds=gap)
        known: JsonObject = {
            name: lived.state.emails.get(str(value).lower(), "nobody")
            if name.endswith("contact_uuid")
            else value
            for name, value in arguments.items()
        }
        known |= {"anonymous_contact_uuid": ANONYMOUS_CONTACT_UUID} if operation == "contacts.claim" else {}
        command = Command(operation=operation, arguments=known, at=at)
        before = len(lived.effects)
        try:
            if lived.apply(command).wrote:
                written.append(command)
        except Refusal:
            assert len(lived.effects) == before
    replayed = World()
    for command in written:
        replayed.apply(Command.model_validate_json(command.model_dump_json()))
    lived.advance(at + SETTLE)
    replayed.advance(at + SETTLE)
    assert replayed.state == lived.state
    assert (replayed.effects, replayed.key) == (lived.effects, lived.key)
    assert lived.state.jobs == []
    for contact in lived.state.contacts.values():
        mine = [entry for entry in lived.state.receptions if entry.contact_uuid == contact.uuid]
        assert contact.receptions == mine
        assert contact.balance == sum(entry.credits for entry in mine)
    assert sum(contact.balance for contact in lived.state.contacts.values()) == sum(
        int(str(effect.result["credits"]))
        for effect in lived.effects
        if effect.operation == "credit_receptions.create" and effect.result is not None
    )
    assert len(lived.state.vouchers) == lived.state.promotions[PROMOTION_UUID].promised


def test_a_reception_gives_credits() -> None:
    """Credits come as given or one for each whole unit, and the balance follows."""
    world = World()
    contact = uuid_of(world)
    given_credits = object_of(
        world,
        "credit_receptions.create",
        contact_uuid=contact,
        shop_uuid=SHOP_UUID,
        credits=30,
        unit_value=9.99,
    )
    worked_out = object_of(
        world, "credit_receptions.create", contact_uuid=contact, shop_uuid=SHOP_UUID, unit_value=10.4
    )
    assert [
        (shown["credits"], shown["unit_value"], shown["type"], shown["channel"], shown["created_at"])
        for shown in (given_credits, worked_out)
    ] == [
        (30, 9.99, "credit_reception", "OAUTH_API", "2026-03-01T12:00:00+00:00"),
        (10, 10.4, "credit_reception", "OAUTH_API", "2026-03-01T12:00:00+00:00"),
    ]
    assert worked_out["contact"] == {
        "uuid": contact,
        "email": CONTACT_EMAIL,
        "credit_balance": {"id": 1, "balance": 40},
    }
    assert data_of(world, "contacts.credit_balance", contact_uuid=contact) == {"balance": 40}


def test_receptions_are_refused_by_code() -> None:
    """Each refusal has the vendor's code and changes nothing."""
    world = World()
    contact = uuid_of(world)
    good: JsonObject = {"contact_uuid": contact, "shop_uuid": SHOP_UUID, "credits": 1}
    wrong: list[tuple[JsonObject, int]] = [
        ({"credits": None}, 1003),
        ({"credits": "5"}, 1003),
        ({"credits": True}, 1003),
        ({"unit_value": "10"}, 1003),
        ({"shop_uuid": "nowhere"}, 1008),
        ({"contact_uuid": "nobody"}, 55031),
        ({"unit_name": "parsecs"}, 60007),
        ({"contact_identifier_value": "CARD-0"}, 60003),
        ({"credits": MAX_CREDITS + 1}, 1015),
        ({"pos_transaction_uuid": "none"}, 1027),
    ]
    for change, code in wrong:
        assert code_of(world, "credit_receptions.create", **(good | change)) == code, change
    assert world.effects == []
    linked = good | {
        "pos_transaction_uuid": POS_TRANSACTION_UUID,
        "contact_identifier_value": IDENTIFIER_VALUE,
    }
    object_of(world, "credit_receptions.create", **linked)
    assert code_of(world, "credit_receptions.create", **linked) == 6001


def test_extra_keys_are_kept_only_under_a_known_attribute() -> None:
    """An attribute's value comes back beside the reception's own keys; an unknown key is ignored silently."""
    world = World()
    tagged: JsonObject = {"contact_uuid": uuid_of(world), "shop_uuid": SHOP_UUID, "credits": 1, "slot": "s-1"}
    assert "slot" not in object_of(world, "credit_receptions.create", **tagged)
    described: JsonObject = {"name": "slot", "label": "Slot", "data_type": "text"}
    created = object_of(world, "loyalty_transaction_attributes.create", **described)
    assert (created["name"], created["type"], created["options"]) == ("slot", "text", [])
    assert code_of(world, "loyalty_transaction_attributes.create", **described) == 60009
    assert (
        code_of(world, "loyalty_transaction_attributes.create", **(described | {"name": "credits"})) == 1003
    )
    assert object_of(world, "credit_receptions.create", **tagged)["slot"] == "s-1"
    rows = data_of(world, "loyalty_transactions.list", contact_uuid=tagged["contact_uuid"])
    assert isinstance(rows, list)
    assert [row.get("slot") for row in rows if isinstance(row, dict)] == [None, "s-1"]


def test_a_merge_takes_a_moment_and_removes_the_source() -> None:
    """Before the delay the source is there; after it the destination has everything."""
    world = World()
    source, destination = uuid_of(world), uuid_of(world, "new@example.com")
    for contact, count in ((source, 5), (destination, 7)):
        object_of(world, "credit_receptions.create", contact_uuid=contact, shop_uuid=SHOP_UUID, credits=count)
    asked: JsonObject = {"source_contact_uuid": source, "destination_contact_uuid": destination}
    assert data_of(world, "contacts.merge", **asked) is None
    assert data_of(world, "contacts.merge", **asked) is None
    assert object_of(world, "contacts.get", contact_uuid=source)["uuid"] == source
    later = START + SETTLE
    assert code_of(world, "contacts.get", later, contact_uuid=source) == 55031
    assert object_of(world, "contacts.credit_balance", later, contact_uuid=destination) == {"balance": 12}
    assert code_of(world, "contacts.find_one_by", later, email=CONTACT_EMAIL) == 55031
    assert world.truth()["counts"] == {
        "contacts.find_or_create": 1,
        "credit_receptions.create": 2,
        "contacts.merge": 1,
    }


def test_an_anonymous_contact_is_claimed_once() -> None:
    """A claim gives it a free e-mail; a second claim is refused; a taken e-mail merges it away."""
    free, taken = World(), World()
    claim: JsonObject = {"anonymous_contact_uuid": ANONYMOUS_CONTACT_UUID}
    claimed = object_of(free, "contacts.claim", **claim, email="me@example.com")
    assert (claimed["uuid"], claimed["email"]) == (ANONYMOUS_CONTACT_UUID, "me@example.com")
    assert code_of(free, "contacts.claim", **claim, email="me@example.com") == 60016
    assert code_of(taken, "contacts.claim", **claim) == 1003
    assert object_of(taken, "contacts.claim", **claim, email=CONTACT_EMAIL)["email"] == CONTACT_EMAIL
    assert code_of(taken, "contacts.get", contact_uuid=ANONYMOUS_CONTACT_UUID) == 55031


def test_a_batch_of_vouchers_appears_later() -> None:
    """The answer is PENDING with a local date; the vouchers come, with unique codes, up to the limit."""
    world = World()
    asked: JsonObject = {"promotion_uuid": PROMOTION_UUID, "quantity": 40, "contact_uuid": uuid_of(world)}
    served = world.apply(Command(operation="vouchers.batch", arguments=asked, at=START))
    assert isinstance(served.data, dict)
    assert (served.status, served.data["status"], served.data["created_at"]) == (
        201,
        "PENDING",
        "2026-03-01, 13:00",
    )
    assert data_of(world, "vouchers.list", promotion_uuid=PROMOTION_UUID) == []
    listing = world.apply(
        Command(operation="vouchers.list", arguments={"status": "ACTIVE", "page": 2}, at=START + SETTLE)
    )
    assert isinstance(listing.data, list)
    assert isinstance(listing.meta, dict)
    assert (len(listing.data), listing.meta["per_page"], listing.meta["total"]) == (10, "30", 40)
    assert len(world.state.vouchers) == 40
    code = next(iter(world.state.vouchers))
    assert object_of(world, "vouchers.find", START + SETTLE, code=code)["code"] == code
    assert code_of(world, "vouchers.find", START + SETTLE, code="NOPE") == 80004
    for _ in range((VOUCHER_LIMIT - 40) // 480):
        data_of(world, "vouchers.batch", START + SETTLE, promotion_uuid=PROMOTION_UUID, quantity=480)
    assert (
        code_of(world, "vouchers.batch", START + SETTLE, promotion_uuid=PROMOTION_UUID, quantity=1) == 80008
    )
    assert code_of(world, "vouchers.batch", START + SETTLE, promotion_uuid="none", quantity=1) == 80002
    assert (
        code_of(world, "vouchers.batch", START + SETTLE, promotion_uuid=PROMOTION_UUID, quantity=501) == 1003
    )


def test_contact_attributes_are_created_once_and_set() -> None:
    """A value is set where its attribute exists and its type fits; setting it again is no second effect."""
    world = World()
    contact = uuid_of(world)
    described: JsonObject = {
        "name": "size",
        "label": "Size",
        "data_type": "select",
        "options": [{"label": "Big", "value": 100}],
    }
    created = object_of(world, "contact_attributes.create", **described)
    assert (created["type"], created["options"]) == (
        "select",
        [{"value": "100", "label": "Big", "description": None, "media": None}],
    )
    assert code_of(world, "contact_attributes.create", **described) == 60009
    for _ in range(2):
        updated = object_of(
            world, "contacts.update", contact_uuid=contact, attributes={"size": 100, "housenumber": "7"}
        )
        assert isinstance(updated["current_values"], dict)
        assert (updated["current_values"]["size"], updated["current_values"]["housenumber"]) == ("100", 7)
    assert code_of(world, "contacts.update", contact_uuid=contact, attributes={"nope": 1}) == 1003
    assert code_of(world, "contacts.update", contact_uuid=contact, attributes={"size": 5}) == 1003
    assert code_of(world, "contacts.update", contact_uuid=contact) == 1003
    assert world.truth()["counts"] == {"contact_attributes.create": 1, "contacts.update": 1}


def test_a_pos_transaction_is_linked_once() -> None:
    """It is worth nothing by itself; the first reception that names it takes it, every other one is refused."""
    world = World()
    contact = uuid_of(world)
    bought: JsonObject = {"amount_in_cents": 1040, "transaction_id": 7}
    first, second = (object_of(world, "pos_transactions.create", **bought) for _ in range(2))
    assert first["uuid"] != second["uuid"]
    assert first == {
        "uuid": first["uuid"],
        "transaction_id": "7",
        "terminal_id": None,
        "created_at": "2026-03-01T12:00:00+00:00",
        "amount_in_cents": 1040,
    }
    award: JsonObject = {
        "contact_uuid": contact,
        "shop_uuid": SHOP_UUID,
        "credits": 1,
        "pos_transaction_uuid": first["uuid"],
    }
    object_of(world, "credit_receptions.create", **award)
    assert code_of(world, "credit_receptions.create", **award) == 6001
    assert code_of(world, "credit_receptions.create", **(award | {"pos_transaction_uuid": "none"})) == 1027
    assert data_of(world, "contacts.credit_balance", contact_uuid=contact) == {"balance": 1}
    assert code_of(world, "pos_transactions.create") == 1003
    assert world.truth()["counts"] == {"pos_transactions.create": 2, "credit_receptions.create": 1}


def test_anonymous_contacts_are_made_and_claimed() -> None:
    """Each call makes another one, without an e-mail; an identifier that is somebody's is refused."""
    world = World()
    one, other = (str(object_of(world, "contacts.create_anonymous")["uuid"]) for _ in range(2))
    assert one != other
    shown = object_of(world, "contacts.get", contact_uuid=one)
    assert isinstance(shown["current_values"], dict)
    assert (shown["email"], shown["current_values"]["is_anonymous"]) == (None, True)
    object_of(world, "contacts.claim", anonymous_contact_uuid=one, email="me@example.com")
    assert uuid_of(world, "me@example.com") == one
    assert (
        code_of(world, "contacts.create_anonymous", contact_identifier_value=IDENTIFIER_VALUE),
        code_of(world, "contacts.create_anonymous", contact_identifier_value="CARD-0"),
        code_of(world, "contacts.create_anonymous", contact_identifier_value=5),
    ) == (60014, 60003, 1003)


def test_the_truth_counts_what_changed_something() -> None:
    """Effects stand with their arguments; what found, repeated or changed nothing is none."""
    world = World()
    contact = uuid_of(world)
    omar = uuid_of(world, "omar.haddad@example.com")
    merge: JsonObject = {"source_contact_uuid": omar, "destination_contact_uuid": contact}
    claim: JsonObject = {"anonymous_contact_uuid": ANONYMOUS_CONTACT_UUID, "email": "me@example.com"}
    batch: JsonObject = {"promotion_uuid": PROMOTION_UUID, "quantity": 2}
    marker: JsonObject = {"name": "slot", "label": "Slot", "data_type": "text"}
    award: JsonObject = {"contact_uuid": contact, "shop_uuid": SHOP_UUID, "credits": 5, "slot": "s-1"}
    update: JsonObject = {"contact_uuid": contact, "attributes": {"city": "Delft"}}
    for operation, arguments in (
        ("contacts.find_or_create", {"email": "me@example.com"}),
        ("contacts.find_or_create", {"email": "Me@example.com"}),
        ("contacts.find_or_create", {"email": CONTACT_EMAIL}),
        ("loyalty_transaction_attributes.create", marker),
        ("credit_receptions.create", award),
        ("contacts.update", update),
        ("contacts.update", update),
        ("contacts.claim", claim),
        ("contacts.merge", merge),
        ("contacts.merge", merge),
        ("vouchers.batch", batch),
        ("vouchers.batch", batch),
        ("contact_verification.send", {"email": CONTACT_EMAIL}),
        ("contact_verification.send", {"email": CONTACT_EMAIL}),
    ):
        data_of(world, operation, **arguments)
    assert [(effect.operation, effect.arguments) for effect in world.effects] == [
        ("contacts.find_or_create", {"email": "me@example.com"}),
        ("loyalty_transaction_attributes.create", marker),
        ("credit_receptions.create", award),
        ("contacts.update", update),
        ("contacts.claim", claim),
        ("contacts.merge", merge),
        ("vouchers.batch", batch),
        ("vouchers.batch", batch),
        ("contact_verification.send", {"email": CONTACT_EMAIL}),
        ("contact_verification.send", {"email": CONTACT_EMAIL}),
    ]


def test_the_rest_of_the_account_answers() -> None:
    """Forms filter, perks come, products are found or created, bookings change, mails and tokens go out."""
    world = World()
    assert [len(list_of(world, operation)) for operation in ("forms.list", "perks.list", "shops.list")] == [
        2
    ] * 3
    assert len(list_of(world, "forms.list", status="DRAFT")) == 1
    assert code_of(world, "forms.list", status="ODD") == 1003
    assert len(list_of(world, "promotions.list")) == 1
    assert len(list_of(world, "contact_attributes.list")) == 9
    assert object_of(world, "products.find_or_create", external_identifier="SKU-1")["name"] == "Espresso"
    assert code_of(world, "products.find_or_create", external_identifier="SKU-2") == 1003
    coffee: JsonObject = {
        "external_identifier": "SKU-2",
        "name": "Latte",
        "categories": [{"external_identifier": "COFFEE"}],
    }
    assert object_of(world, "products.find_or_create", **coffee) == object_of(
        world, "products.find_or_create", **coffee
    )
    booked = object_of(
        world, "bookings.update", uuid=BOOKING_UUID, number_of_people=4, ends_at="2026-02-01T21:00:00Z"
    )
    assert booked["ends_at"] == "2026-02-01T21:00:00+00:00"
    assert code_of(world, "bookings.update", uuid="none") == 1003
    assert object_of(world, "contact_verification.send", email=CONTACT_EMAIL)["type"] == "Success"
    assert list(object_of(world, "contact_verification.auth_token", contact_uuid=uuid_of(world))) == [
        "auth_token"
    ]
    assert world.truth()["counts"] == {
        "products.find_or_create": 1,
        "bookings.update": 1,
        "contact_verification.send": 1,
    }


def list_of(world: World, operation: str, **arguments: JsonValue) -> list[JsonValue]:
    """Return the data of one success that is a list."""
    data = data_of(world, operation, **arguments)
    assert isinstance(data, list)
    return data
