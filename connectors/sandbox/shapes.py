"""The vendor's shapes: how a record looks in an answer (api.md section 5, endpoints.json)."""

from base64 import b64encode
from datetime import datetime

import orjson
from pydantic import JsonValue

from ..contract import JsonObject
from .account import ACCOUNT_ZONE
from .state import Attribute, Booking, Contact, Product, Promotion, Reception, Shop, State, Voucher, derive

RESERVED = frozenset(
    {
        "type",
        "uuid",
        "credits",
        "contact",
        "contact_uuid",
        "contact_identifier",
        "contact_identifier_value",
        "pos_transaction_uuid",
        "shop",
        "shop_uuid",
        "unit",
        "unit_name",
        "unit_value",
        "channel",
        "created_at",
    }
)
"""Keys of a reception that no attribute may be named after, since attributes stand beside them."""
CURRENT_VALUES = frozenset(
    {
        "uuid",
        "email",
        "tier",
        "status",
        "channel",
        "avatar",
        "is_anonymous",
        "created_at",
        "updated_at",
        "loyalty_balance",
        "previous_loyalty_balance",
        "prepaid_balance",
        "loyalty_number_of_transactions",
        "loyalty_total_credits_received",
        "loyalty_first_transaction_date",
        "loyalty_last_transaction_date",
        "default_contact_identifier",
        "subscription_status_1",
    }
)
"""Values of a contact that the vendor works out itself, so that nobody can set them."""
_CHANNEL = "OAUTH_API"


def moment(at: datetime | None) -> str | None:
    """Return a moment as most of the vendor's answers show it."""
    return None if at is None else at.isoformat(timespec="seconds")


def local(at: datetime | None) -> str:
    """Return a moment in the account's time, without its zone."""
    return "" if at is None else at.astimezone(ACCOUNT_ZONE).strftime("%Y-%m-%d, %H:%M")


def show_shop(shop: Shop) -> JsonObject:
    """Return a shop as it stands in the list of shops."""
    return {"uuid": shop.uuid, "name": shop.name, "type": "physical", "reference": shop.reference}


def show_contact(contact: Contact, state: State) -> JsonObject:
    """Return a whole contact."""
    values = _current_values(contact, state)
    display: dict[str, JsonValue] = {name: _display(name, value) for name, value in values.items()}
    return {
        "id": contact.id,
        "uuid": contact.uuid,
        "email": contact.email,
        "tier": None,
        "subscriptions": [
            {
                "is_subscribed": True,
                "status": "SUBSCRIBED",
                "subscription_type": {
                    "name": "Functional",
                    "description": "Functional mails",
                    "active": True,
                    "strategy": "OPT_OUT",
                    "uuid": derive(state.seed, "subscription_type", "1"),
                    "id": 1,
                },
            }
        ],
        "attributes": [],
        "credit_balance": {"balance": contact.balance},
        "prepaid_balance": {"balance_in_cents": 0},
        "current_values": values,
        "current_display_values": display,
    }


def show_reception(reception: Reception, state: State) -> JsonObject:
    """Return a credit reception; its attributes stand beside its own keys."""
    contact = state.contacts[reception.contact_uuid]
    unit = state.units[reception.unit_name]
    identifier: JsonValue = None
    if reception.identifier:
        identifier = {"name": "Loyalty card", "value": reception.identifier, "active": True}
    return {
        "type": "credit_reception",
        "uuid": reception.uuid,
        "credits": reception.credits,
        "unit_value": reception.unit_value,
        "unit": {
            "id": unit.id,
            "name": unit.name,
            "label": unit.label,
            "prefix": unit.prefix,
            "is_default": unit.is_default,
        },
        "contact": {
            "uuid": contact.uuid,
            "email": contact.email,
            "credit_balance": {"id": contact.id, "balance": contact.balance},
        },
        "shop": _nested_shop(state.shops[reception.shop_uuid]),
        "contact_identifier": identifier,
        "channel": _CHANNEL,
        "created_at": moment(reception.created_at),
        **reception.attributes,
    }


def show_contact_attribute(attribute: Attribute) -> JsonObject:
    """Return a contact attribute: what came as `data_type` goes as `type`, option values as strings."""
    options: list[JsonValue] = [
        {"value": value, "label": label, "description": None, "media": None}
        for value, label in attribute.options
    ]
    return {
        "id": attribute.id,
        "name": attribute.name,
        "label": attribute.label,
        "type": attribute.data_type,
        "group_name": None,
        "group": {"id": 1, "name": "Contact", "position": 1},
        "is_piggy_defined": False,
        "is_soft_read_only": False,
        "is_hard_read_only": False,
        "field_type": None,
        "has_unique_value": False,
        "description": attribute.description,
        "options": options,
        "position": attribute.id,
        "created_at": moment(attribute.created_at),
        "meta": [],
        "can_be_deleted": True,
        "last_used_date": None,
        "created_by_user": None,
    }


def show_transaction_attribute(attribute: Attribute) -> JsonObject:
    """Return a loyalty-transaction attribute: its options are a map, and `[]` when there are none."""
    options: dict[str, JsonValue] = dict(attribute.options)
    return {
        "name": attribute.name,
        "label": attribute.label,
        "placeholder": None,
        "type": attribute.data_type,
        "field_type": attribute.data_type,
        "options": options or [],
        "is_piggy_defined": False,
        "is_soft_read_only": False,
        "is_hard_read_only": False,
    }


def show_promotion(promotion: Promotion) -> JsonObject:
    """Return a promotion as it stands in the list of promotions."""
    return {
        "attributes": {},
        "name": promotion.name,
        "description": promotion.description,
        "voucher_limit": promotion.voucher_limit,
        "limit_per_contact": None,
        "expiration_duration": None,
        "uuid": promotion.uuid,
    }


def show_voucher(voucher: Voucher, state: State, at: datetime) -> JsonObject:
    """Return a voucher; `attributes` is `[]` when there are none (drift 13)."""
    contact: JsonValue = None
    if voucher.contact_uuid is not None:
        contact = {"uuid": voucher.contact_uuid, "email": state.contacts[voucher.contact_uuid].email}
    promotion = show_promotion(state.promotions[voucher.promotion_uuid])
    del promotion["attributes"]
    return {
        "uuid": voucher.uuid,
        "code": voucher.code,
        "status": voucher_status(voucher, at),
        "name": promotion["name"],
        "description": promotion["description"],
        "expiration_date": moment(voucher.expiration_date),
        "activation_date": moment(voucher.activation_date),
        "redeemed_at": None,
        "is_redeemed": False,
        "redemptions_remaining": 1,
        "times_redeemed": 0,
        "total_redemptions_allowed": 1,
        "attributes": voucher.attributes or [],
        "contact": contact,
        "promotion": promotion,
    }


def voucher_status(voucher: Voucher, at: datetime) -> str:
    """Return a voucher's status at a moment."""
    if voucher.expiration_date is not None and voucher.expiration_date <= at:
        return "EXPIRED"
    if voucher.activation_date is not None and voucher.activation_date > at:
        return "INACTIVE"
    return "ACTIVE"


def show_product(product: Product) -> JsonObject:
    """Return a product."""
    categories: list[JsonValue] = [
        {"uuid": category.uuid, "external_identifier": category.external_identifier, "name": category.name}
        for category in product.categories
    ]
    return {
        "uuid": product.uuid,
        "external_identifier": product.external_identifier,
        "name": product.name,
        "description": product.description,
        "categories": categories,
    }


def show_booking(booking: Booking, state: State) -> JsonObject:
    """Return a booking: four of the values that can be set never come back."""
    contact = state.contacts[booking.contact_uuid]
    shown: JsonObject = {"uuid": booking.uuid, "contact": {"uuid": contact.uuid, "email": contact.email}}
    for name in ("external_id", "source", "starts_at", "ends_at", "checked_in_at"):
        shown[name] = booking.values.get(name)
    return shown | {"created_at": moment(booking.created_at)}


def show_token(contact: Contact, state: State, at: datetime) -> JsonObject:
    """Return a contact's token: base64 of an object with `iv`, `value`, `mac`, `tag`; opaque to clients."""
    parts = {name: derive(state.seed, contact.uuid, name, at.isoformat()) for name in ("iv", "value", "mac")}
    return {"auth_token": b64encode(orjson.dumps(parts | {"tag": ""})).decode()}


def _nested_shop(shop: Shop) -> JsonObject:
    address: JsonObject = {
        "id": shop.id,
        "shop_id": shop.id,
        "street": None,
        "housenumber": None,
        "postalcode": None,
        "city": None,
        "state": None,
        "country": None,
        "latitude": None,
        "longitude": None,
        "house_number": None,
        "postal_code": None,
    }
    return {"id": shop.id, "uuid": shop.uuid, "type": "physical", "name": shop.name, "address": address}


def _current_values(contact: Contact, state: State) -> dict[str, JsonValue]:
    values: dict[str, JsonValue] = {name: contact.values.get(name) for name in state.contact_attributes}
    first = contact.receptions[0].created_at if contact.receptions else None
    last = contact.receptions[-1].created_at if contact.receptions else None
    values.update(
        uuid=contact.uuid,
        email=contact.email,
        tier=None,
        status="ACTIVE",
        channel=_CHANNEL,
        avatar=f"https://media.example.com/avatars/{contact.id}.png",
        is_anonymous=contact.is_anonymous,
        created_at=moment(contact.created_at),
        updated_at=moment(contact.updated_at),
        loyalty_balance=contact.balance,
        previous_loyalty_balance=contact.previous_balance,
        prepaid_balance=0,
        loyalty_number_of_transactions=len(contact.receptions),
        loyalty_total_credits_received=contact.received,
        loyalty_first_transaction_date=moment(first),
        loyalty_last_transaction_date=moment(last),
        default_contact_identifier=contact.identifier or None,
        subscription_status_1="SUBSCRIBED",
    )
    return values


def _display(name: str, value: JsonValue) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "Yes" if value else "No"
        case list():
            return ", ".join(str(item) for item in value)
        case str() if name.endswith(("_at", "_date")):
            return _display_date(value)
        case _:
            return str(value)


def _display_date(value: str) -> str:
    try:
        return local(datetime.fromisoformat(value))
    except ValueError:
        return value
