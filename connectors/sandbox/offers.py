"""Operations on the rest of the account: shops, forms, perks, products, bookings, the health check."""

from datetime import datetime

from pydantic import JsonValue

from .account import FORM_STATES, FORM_TYPES, forms, perks
from .arguments import Arguments
from .served import Operation, Served
from .shapes import moment, show_booking, show_product, show_shop
from .state import Category, Product, State, derive

_BOOKING_TEXTS = ("external_id", "source", "company_name", "status")
_BOOKING_DATES = ("starts_at", "ends_at", "checked_in_at")
_BOOKING_NUMBERS = ("number_of_people", "prepaid_amount")


def check_health(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve the health check; its answer is not published (inference)."""
    del state, arguments, at
    return Served("OK", [])


def list_shops(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `shops.list`."""
    del arguments, at
    return Served([show_shop(shop) for shop in state.shops.values()], {})


def list_forms(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `forms.list`."""
    del at
    status, kind = arguments.choice("status", FORM_STATES), arguments.choice("type", FORM_TYPES)
    arguments.check()
    rows = forms((derive(state.seed, "form", "1"), derive(state.seed, "form", "2")))
    return Served(
        [row for row in rows if status in {None, row["status"]} and kind in {None, row["type"]}], []
    )


def list_perks(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `perks.list`, which answers without `meta`."""
    del arguments, at
    return Served(perks((derive(state.seed, "perk", "1"), derive(state.seed, "perk", "2"))), None)


def find_or_create_product(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `products.find_or_create`; one that exists stays as it is (inference)."""
    del at
    external_identifier = arguments.key("external_identifier")
    name, description = arguments.text("name"), arguments.text("description")
    categories = _categories(state, arguments)
    known = state.products.get(external_identifier)
    if known is None and name is None:
        arguments.wrong("name", "field is required")
    arguments.check()
    if known is not None:
        return Served(show_product(known), [])
    product = Product(state.identify("product"), external_identifier, name or "", description, categories)
    state.products[external_identifier] = product
    return Served(show_product(product), [], wrote=True)


def update_booking(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `bookings.update`. An update that changes nothing is no effect (inference)."""
    del at
    booking = state.bookings.get(arguments.text("uuid") or "")
    if booking is None:
        arguments.wrong("uuid", "is invalid")
    changes: dict[str, JsonValue] = {name: arguments.text(name) for name in _BOOKING_TEXTS}
    changes.update({name: moment(arguments.date(name)) for name in _BOOKING_DATES})
    changes.update({name: arguments.integer(name) for name in _BOOKING_NUMBERS})
    arguments.check()
    assert booking is not None  # noqa: S101  # `check` has refused a booking that is not there
    given = {name: value for name, value in changes.items() if value is not None}
    wrote = any(booking.values.get(name) != value for name, value in given.items())
    booking.values.update(given)
    return Served(show_booking(booking, state), [], wrote=wrote)


def _categories(state: State, arguments: Arguments) -> tuple[Category, ...]:
    found: list[Category] = []
    for item in arguments.items("categories"):
        matches = [
            category
            for category in state.categories.values()
            if category.uuid == item.get("uuid")
            or category.external_identifier == item.get("external_identifier")
        ]
        if not matches:
            arguments.wrong("categories", "are unknown")
        found.extend(matches)
    return tuple(found)


OFFER_OPERATIONS: dict[str, Operation] = {
    "health.check": check_health,
    "products.find_or_create": find_or_create_product,
    "forms.list": list_forms,
    "perks.list": list_perks,
    "shops.list": list_shops,
    "bookings.update": update_booking,
}
