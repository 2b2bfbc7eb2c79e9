"""The account with which every world begins."""

from datetime import UTC, datetime, timedelta, timezone

from pydantic import JsonValue

from ..contract import JsonObject
from .state import Attribute, Booking, Category, Contact, Product, Promotion, Shop, State, Unit

SHOP_UUID = "3f6c1d52-8b0e-4c7a-9d41-5a2e7f90c613"
"""The first shop, under every seed; the others of this list likewise."""
ANONYMOUS_CONTACT_UUID = "c2a94e07-16f3-4d8b-8e5a-70b1d3f6298c"
PROMOTION_UUID = "91d7b3e8-42ac-4f15-a6c0-e83b5d20f974"
BOOKING_UUID = "6b08f4c1-d935-4e62-b7a1-2c9e5f083d7a"
POS_TRANSACTION_UUID = "e47d2a90-5c81-4b36-93f8-1ad60b7e42c5"
CONTACT_EMAIL = "vera.smit@example.com"
IDENTIFIER_VALUE = "CARD-1001"
"""The loyalty card of the contact above."""
PRODUCT_IDENTIFIER = "SKU-1"
CATEGORY_IDENTIFIER = "COFFEE"
VOUCHER_LIMIT = 1000

MAX_CREDITS = 50_000
"""The most that one reception may give (code 1015). Credits per unit are 1, rounded down (inference)."""

ACCOUNT_ZONE = timezone(timedelta(hours=1))
"""The account's local time: some of the vendor's dates are local and carry no zone."""

_BEGAN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_PEOPLE = (
    (CONTACT_EMAIL, "Vera", "Smit", "Utrecht"),
    ("omar.haddad@example.com", "Omar", "Haddad", "Rotterdam"),
    ("lena.vos@example.com", "Lena", "Vos", "Groningen"),
)
_DEFAULTS = (
    ("firstname", "First name", "text"),
    ("lastname", "Last name", "text"),
    ("phonenumber", "Phone number", "phone"),
    ("address", "Address", "text"),
    ("housenumber", "House number", "number"),
    ("postalcode", "Postal code", "text"),
    ("city", "City", "text"),
    ("birthdate", "Birth date", "birth_date"),
    ("locale", "Locale", "text"),
)

FORM_STATES = ("PUBLISHED", "DRAFT", "BIN")
FORM_TYPES = ("PUBLIC", "PRIVATE")


def open_account(seed: int) -> State:
    """Return the state of a fresh account. The seed decides every id that is not well known."""
    state = State(seed=seed)
    _add_places(state)
    _add_contacts(state)
    promotion = Promotion(PROMOTION_UUID, "Free coffee", "One coffee on the house", VOUCHER_LIMIT)
    state.promotions[promotion.uuid] = promotion
    category = Category(state.identify("category"), CATEGORY_IDENTIFIER, "Coffee")
    state.categories[category.uuid] = category
    product = Product(state.identify("product"), PRODUCT_IDENTIFIER, "Espresso", "A short one", (category,))
    state.products[product.external_identifier] = product
    values: dict[str, JsonValue] = {
        "external_id": "RES-1",
        "source": "website",
        "starts_at": "2026-02-01T18:00:00+00:00",
        "ends_at": "2026-02-01T20:00:00+00:00",
        "number_of_people": 2,
        "status": "confirmed",
    }
    booker = state.emails[CONTACT_EMAIL]
    state.bookings[BOOKING_UUID] = Booking(BOOKING_UUID, booker, SHOP_UUID, _BEGAN, values)
    state.pos_transactions[POS_TRANSACTION_UUID] = False
    return state


def forms(seed_uuids: tuple[str, str]) -> list[JsonObject]:
    """Return the account's forms."""
    first, second = seed_uuids
    return [
        {
            "uuid": first,
            "name": "Join the club",
            "status": "PUBLISHED",
            "type": "PUBLIC",
            "url": f"https://forms.example.com/{first}",
        },
        {
            "uuid": second,
            "name": "Feedback",
            "status": "DRAFT",
            "type": "PRIVATE",
            "url": f"https://forms.example.com/{second}",
        },
    ]


def perks(seed_uuids: tuple[str, str]) -> list[JsonValue]:
    """Return the account's perks."""
    first, second = seed_uuids
    return [
        {
            "uuid": first,
            "label": "Free delivery",
            "name": "free_delivery",
            "data_type": "boolean",
            "options": [
                {"label": "Yes", "value": "true", "default": False},
                {"label": "No", "value": "false", "default": True},
            ],
        },
        {
            "uuid": second,
            "label": "Birthday treat",
            "name": "birthday_treat",
            "data_type": "single_select",
            "options": [
                {"label": "Cake", "value": "cake", "default": True},
                {"label": "Coffee", "value": "coffee", "default": False},
            ],
        },
    ]


def _add_places(state: State) -> None:
    for uuid, name, reference in (
        (SHOP_UUID, "Canal Street", "S-1"),
        (state.identify("shop"), "Harbour", None),
    ):
        shop = Shop(state.number("shop_id"), uuid, name, reference)
        state.shops[uuid] = shop
        state.shop_receptions[uuid] = []
    for name, label, prefix, is_default in (
        ("purchase_amount", "Purchase amount", "€", True),
        ("kilometres", "Kilometres", "km", False),
    ):
        state.units[name] = Unit(state.number("unit_id"), name, label, prefix, is_default)
    for name, label, data_type in _DEFAULTS:
        number = state.number("attribute_id")
        state.contact_attributes[name] = Attribute(number, name, label, data_type, "", (), _BEGAN)


def _add_contacts(state: State) -> None:
    for email, firstname, lastname, city in _PEOPLE:
        values: dict[str, JsonValue] = {"firstname": firstname, "lastname": lastname, "city": city}
        contact = Contact(
            id=state.number("contact_id"),
            uuid=state.identify("contact"),
            email=email,
            is_anonymous=False,
            created_at=_BEGAN,
            updated_at=_BEGAN,
            values=values,
            identifier=IDENTIFIER_VALUE if email == CONTACT_EMAIL else "",
        )
        state.contacts[contact.uuid] = contact
        state.emails[email] = contact.uuid
    number = state.number("contact_id")
    state.contacts[ANONYMOUS_CONTACT_UUID] = Contact(
        id=number,
        uuid=ANONYMOUS_CONTACT_UUID,
        email=None,
        is_anonymous=True,
        created_at=_BEGAN,
        updated_at=_BEGAN,
    )
