"""What Piggy answers: the schema of each record, without the envelope around it.

A field is required only where every source shows it, and nullable wherever one shows null. Sources: the
vendor's documentation pages of 2026, its Postman captures of November 2023, and its PHP SDK.
"""

from ..contract import JsonObject
from .schema import (
    ANYTHING,
    ATTRIBUTES,
    FLAG,
    ID,
    MOMENT,
    OPEN_RECORD,
    TEXT,
    WHOLE,
    list_of,
    nullable,
    one_of,
    record,
)

BALANCE: JsonObject = record("balance", {"balance": WHOLE, "id": WHOLE})


def _contact(email: JsonObject) -> JsonObject:
    return record(
        "uuid email credit_balance current_values",
        {
            "id": WHOLE,
            "uuid": ID,
            "email": email,
            "tier": nullable("object"),
            "subscriptions": list_of({"type": "object"}),
            "attributes": {"type": "array"},  # deprecated by the vendor; empty or gone
            "credit_balance": BALANCE,
            "prepaid_balance": record("balance_in_cents", {"balance_in_cents": WHOLE}),
            "current_values": OPEN_RECORD,
            "current_display_values": OPEN_RECORD,
        },
    )


CONTACT: JsonObject = _contact(nullable("string"))
"""Any contact; an anonymous one has no e-mail."""
CONTACT_BY_EMAIL: JsonObject = _contact(TEXT)
"""A contact that was looked up by its e-mail."""

NESTED_CONTACT: JsonObject = record(
    "uuid", {"uuid": ID, "email": nullable("string"), "credit_balance": BALANCE}
)
NESTED_SHOP: JsonObject = record(
    "uuid", {"id": WHOLE, "uuid": ID, "type": TEXT, "name": TEXT, "address": nullable("object")}
)
SHOP: JsonObject = record(
    "uuid name", {"id": WHOLE, "uuid": ID, "name": TEXT, "type": TEXT, "reference": nullable("string")}
)
UNIT: JsonObject = {
    "type": ["object", "null"],
    "properties": {
        "id": WHOLE,
        "name": TEXT,
        "label": TEXT,
        "prefix": nullable("string"),
        "is_default": FLAG,
    },
}

TRANSACTION: JsonObject = record(
    "uuid type credits created_at contact shop",
    {
        "uuid": ID,
        "type": TEXT,
        "credits": WHOLE,
        "created_at": MOMENT,
        "contact": NESTED_CONTACT,
        "shop": NESTED_SHOP,
        "contact_identifier": nullable("object"),
        "unit": UNIT,
        "unit_value": nullable("number"),
        "channel": nullable("string"),
    },
    is_spread=True,
)
"""A credit reception, alone or in the list of transactions; its attributes stand beside its fields."""

_OPTION: JsonObject = record(
    "value label",
    {
        "value": {"type": ["string", "integer", "boolean"]},
        "label": TEXT,
        "description": nullable("string"),
        "media": ANYTHING,
        "default": FLAG,
    },
)
CONTACT_ATTRIBUTE: JsonObject = record(
    "name label type",
    {
        "id": WHOLE,
        "name": ID,
        "label": TEXT,
        "type": ID,
        "description": nullable("string"),
        "options": list_of(_OPTION),
        "is_piggy_defined": FLAG,
        "is_soft_read_only": FLAG,
        "is_hard_read_only": FLAG,
        "has_unique_value": FLAG,
    },
)
TRANSACTION_ATTRIBUTE: JsonObject = record(
    "name label type",
    {
        "name": ID,
        "label": TEXT,
        "type": ID,
        "placeholder": nullable("string"),
        "field_type": nullable("string"),
        "options": {"type": ["array", "object", "null"]},  # a map on create, a list elsewhere
        "is_piggy_defined": FLAG,
        "is_soft_read_only": FLAG,
        "is_hard_read_only": FLAG,
    },
)

_PROMOTION_FIELDS: JsonObject = {
    "uuid": ID,
    "name": TEXT,
    "description": nullable("string"),
    "voucher_limit": nullable("integer"),
    "limit_per_contact": nullable("integer"),
    "expiration_duration": nullable("integer"),
    "type": TEXT,
    "redemptions_per_voucher": nullable("integer"),
}
PROMOTION: JsonObject = record("uuid name", {**_PROMOTION_FIELDS, "attributes": ATTRIBUTES})
VOUCHER: JsonObject = record(
    "uuid code status promotion",
    {
        "uuid": ID,
        "code": ID,
        "status": one_of("ACTIVE", "LOCKED", "REDEEMED", "EXPIRED", "DEACTIVATED", "INACTIVE"),
        "name": nullable("string"),
        "description": nullable("string"),
        "expiration_date": nullable("string"),
        "activation_date": nullable("string"),
        "redeemed_at": nullable("string"),
        "is_redeemed": FLAG,
        "redemptions_remaining": nullable("integer"),
        "times_redeemed": nullable("integer"),
        "total_redemptions_allowed": nullable("integer"),
        "attributes": ATTRIBUTES,
        "contact": {
            "anyOf": [record("uuid", {"uuid": ID, "email": nullable("string")}), {"type": "null"}],
        },
        "promotion": record("uuid", _PROMOTION_FIELDS, is_spread=True),
    },
)
VOUCHER_BATCH: JsonObject = record(
    "uuid quantity status",
    {"uuid": ID, "type": TEXT, "quantity": WHOLE, "status": TEXT, "created_at": TEXT},
)
"""`created_at` is the account's local time without a zone, so it is text."""

PRODUCT: JsonObject = record(
    "uuid external_identifier name",
    {
        "uuid": ID,
        "external_identifier": ID,
        "name": TEXT,
        "description": nullable("string"),
        "categories": list_of(
            record("uuid", {"uuid": ID, "external_identifier": nullable("string"), "name": TEXT}),
        ),
    },
)
BOOKING: JsonObject = record(
    "uuid contact",
    {
        "uuid": ID,
        "contact": NESTED_CONTACT,
        "external_id": nullable("string"),
        "source": nullable("string"),
        "starts_at": nullable("string"),
        "ends_at": nullable("string"),
        "checked_in_at": nullable("string"),
        "created_at": MOMENT,
    },
)
FORM: JsonObject = record(
    "uuid name status type url",
    {
        "uuid": ID,
        "name": TEXT,
        "status": one_of("PUBLISHED", "DRAFT", "BIN"),
        "type": one_of("PUBLIC", "PRIVATE"),
        "url": TEXT,
    },
)
PERK: JsonObject = record(
    "uuid label name data_type options",
    {
        "uuid": ID,
        "label": TEXT,
        "name": TEXT,
        "data_type": one_of("single_select", "boolean"),
        "options": list_of(_OPTION),
    },
)
AUTH_TOKEN: JsonObject = {
    "anyOf": [record("auth_token", {"auth_token": ID}), ID],
    "description": "An object today; a bare string in the captures of 2023.",
}
VERIFICATION: JsonObject = record("type message", {"type": TEXT, "message": TEXT})
