"""Piggy's writes, as data: what each takes, and how an unknown outcome of it is settled."""

from datetime import timedelta
from typing import Final

from ..contract import JsonObject, MarkerRead, StateRead, ToolSpec, TotalRead, VendorKey
from . import codes, shapes
from .codes import CAPTURES, DOCS, UNSETTLED, refused
from .route import Operation, Route
from .schema import (
    ANYTHING,
    ATTRIBUTES,
    DATE,
    EMAIL,
    ID,
    UUID,
    arguments,
    list_of,
    one_of,
    record,
    whole,
    words,
)

MARKER: Final = "mendflow_slot"
"""Name of the loyalty-transaction attribute that carries the slot of an effect."""

_ATTRIBUTE_TYPE: JsonObject = one_of(
    "url",
    "text",
    "date",
    "phone",
    "float",
    "color",
    "email",
    "number",
    "select",
    "boolean",
    "rich_text",
    "date_time",
    "long_text",
    "date_range",
    "time_range",
    "identifier",
    "birth_date",
    "file_upload",
    "media_upload",
    "multi_select",
    "license_plate",
)
_OPTION_VALUE: JsonObject = {"type": ["string", "integer"]}
_OPTIONS: JsonObject = {
    "type": "array",
    "maxItems": 1000,
    "items": arguments("label value", {"label": words(), "value": _OPTION_VALUE}),
}
_TRANSACTION_VALUE: JsonObject = {"type": ["string", "number", "boolean"]}
_CONTACT_VALUE: JsonObject = {"type": ["string", "number", "boolean", "array", "null"], "maxLength": 65_535}
_MOST_CREDITS: Final = 1_000_000
_MERGE_TAKES: Final = timedelta(minutes=5)  # "within minutes" is all that the vendor says
_BATCH_TAKES: Final = timedelta(minutes=1)  # our own guess; no source names a bound

_RECEPTION: JsonObject = arguments(
    "contact_uuid shop_uuid",
    {
        "contact_uuid": UUID,
        "shop_uuid": UUID,
        "credits": whole(
            -_MOST_CREDITS, _MOST_CREDITS, "Credits outright, whatever the account's rules say."
        ),
        "unit_value": {
            "type": "number",
            "minimum": 0,
            "maximum": _MOST_CREDITS,
            "description": "What was bought, in whole currency with decimals (10.40 is ten euro forty).",
        },
        "unit_name": words(description="The account's default unit if left out."),
        "contact_identifier_value": words(),
        "pos_transaction_uuid": UUID,
        MARKER: words(description="Our marker; set by the Distributor."),
    },
    extra=_TRANSACTION_VALUE,
)

WRITES: Final = (
    Operation(
        spec=ToolSpec(
            operation="credit_receptions.create",
            names=("PIGGY_CREATE_CREDIT_RECEPTION",),
            summary="Award credits to a contact at a shop; more arguments are attributes of the transaction.",
            effect="marked",
            parameters={**_RECEPTION, "anyOf": [{"required": ["credits"]}, {"required": ["unit_value"]}]},
            answer=shapes.TRANSACTION,
            refusals=refused(
                codes.SHOP_NOT_FOUND,
                codes.TOO_MANY_CREDITS,
                codes.POS_TRANSACTION_NOT_FOUND,
                codes.POS_TRANSACTION_LINKED,
                codes.CONTACT_NOT_FOUND,
                codes.NO_DEFAULT_UNIT,
                codes.IDENTIFIER_NOT_FOUND,
                codes.IDENTIFIER_INACTIVE,
                codes.UNIT_NOT_FOUND,
            ),
            unsettled=UNSETTLED | {codes.CREATING_IN_PROGRESS},
            echoes={
                "contact_uuid": "contact.uuid",
                "shop_uuid": "shop.uuid",
                "credits": "credits",
                "unit_value": "unit_value",
            },
            marker=MARKER,
            prepare="loyalty_transaction_attributes.create",
            prepare_with={"name": MARKER, "label": "mendflow slot", "data_type": "text"},
            confirm=MarkerRead(
                operation="loyalty_transactions.list",
                arguments={"type": "credit_receptions", "limit": 100, "sort": "-created_at"},
                copied={"contact_uuid": "contact_uuid", "shop_uuid": "shop_uuid"},
                marker_path=MARKER,
                created="created_at",
            ),
            # One POS transaction takes one reception; the transaction is made on the register API.
            key=VendorKey(argument="pos_transaction_uuid", taken=codes.POS_TRANSACTION_LINKED),
            recipient="contact_uuid",
            source=f"{DOCS}; attributes beside the fields as the PHP SDK 3.0.3 sends them",
        ),
        route=Route(method="POST", path="/credit-receptions"),
    ),
    Operation(
        spec=ToolSpec(
            operation="loyalty_transaction_attributes.create",
            summary="Create an attribute that a loyalty transaction can carry.",
            effect="natural_key",
            parameters=arguments(
                "name label data_type",
                {
                    "name": words(),
                    "label": words(),
                    "data_type": _ATTRIBUTE_TYPE,
                    "options": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            ),
            answer=shapes.TRANSACTION_ATTRIBUTE,
            refusals=refused(),
            unsettled=UNSETTLED,
            already=frozenset({codes.ATTRIBUTE_EXISTS}),
            echoes={"name": "name", "data_type": "type"},
            aliases={"type": "data_type"},
            source=f"{CAPTURES}; that 60009 answers a second creation is an inference",
        ),
        route=Route(method="POST", path="/loyalty-transaction-attributes"),
    ),
    Operation(
        spec=ToolSpec(
            operation="contact_attributes.create",
            names=("PIGGY_CREATE_CONTACT_ATTRIBUTE",),
            summary="Create an attribute that a contact can carry.",
            effect="natural_key",
            parameters=arguments(
                "name label data_type",
                {
                    "name": words(),
                    "label": words(),
                    "data_type": _ATTRIBUTE_TYPE,
                    "description": words(2000),
                    "options": _OPTIONS,
                },
            ),
            answer=shapes.CONTACT_ATTRIBUTE,
            refusals=refused(),
            unsettled=UNSETTLED,
            already=frozenset({codes.ATTRIBUTE_EXISTS}),
            echoes={"name": "name", "data_type": "type"},
            aliases={"type": "data_type"},
            source=f"{CAPTURES}; that 60009 answers a second creation is an inference",
        ),
        route=Route(method="POST", path="/contact-attributes"),
    ),
    Operation(
        spec=ToolSpec(
            operation="contacts.find_or_create",
            summary="Find a contact by its e-mail address, or create one.",
            effect="natural_key",
            parameters=arguments("email", {"email": EMAIL}),
            answer=shapes.CONTACT_BY_EMAIL,
            refusals=refused(codes.USAGE_LIMIT_REACHED),
            unsettled=UNSETTLED,
            echoes={"email": "email"},
            source=f"{DOCS}; a GET that writes where nobody is found",
        ),
        route=Route(method="GET", path="/contacts/find-or-create"),
    ),
    Operation(
        spec=ToolSpec(
            operation="contacts.create_anonymous",
            summary="Create a contact without an e-mail address; every call creates one more.",
            effect="blind",
            parameters=arguments(fields={"contact_identifier_value": words()}),
            answer=record("uuid", {"uuid": ID}),
            refusals=refused(
                codes.IDENTIFIER_NOT_FOUND,
                codes.USAGE_LIMIT_REACHED,
                codes.CONTACT_EXISTS,
                codes.IDENTIFIER_LINKED,
            ),
            unsettled=UNSETTLED,
            source=DOCS,
        ),
        route=Route(method="POST", path="/contacts/anonymous"),
    ),
    Operation(
        spec=ToolSpec(
            operation="contacts.update",
            summary="Set attributes of a contact; each further argument is an attribute by its name.",
            effect="idempotent",
            parameters={
                **arguments("contact_uuid", {"contact_uuid": UUID}, extra=_CONTACT_VALUE),
                "minProperties": 2,
            },
            answer=shapes.CONTACT,
            refusals=refused(codes.CONTACT_NOT_FOUND),
            unsettled=UNSETTLED,
            echoes={"contact_uuid": "uuid"},
            recipient="contact_uuid",
            source=DOCS,
        ),
        route=Route(method="PUT", path="/contacts/{contact_uuid}", gathered="attributes"),
    ),
    Operation(
        spec=ToolSpec(
            operation="contacts.claim",
            names=("PIGGY_CLAIM_ANONYMOUS_CONTACT",),
            summary="Give an anonymous contact an e-mail address; it may be merged into the one who has it.",
            effect="readable_state",
            parameters=arguments(
                "anonymous_contact_uuid email", {"anonymous_contact_uuid": UUID, "email": EMAIL}
            ),
            answer=shapes.CONTACT,
            refusals=refused(codes.CONTACT_NOT_FOUND, codes.CONTACT_NOT_ANONYMOUS),
            unsettled=UNSETTLED,
            echoes={"email": "email"},
            confirm=StateRead(
                operation="contacts.get",
                copied={"contact_uuid": "anonymous_contact_uuid"},
                equals={"email": "email"},
                untouched={"email": None},
                # An address that somebody has already takes the anonymous contact over.
                gone=frozenset({codes.CONTACT_NOT_FOUND}),
            ),
            recipient="anonymous_contact_uuid",
            source=f"{DOCS}; the e-mail is required in the captures of 2023",
        ),
        route=Route(method="PUT", path="/contacts/{anonymous_contact_uuid}/claim"),
    ),
    Operation(
        spec=ToolSpec(
            operation="contacts.merge",
            names=("PIGGY_MERGE_CONTACTS",),
            summary="Merge a contact into another, for good; the vendor does it within minutes.",
            effect="readable_state",
            parameters=arguments(
                "source_contact_uuid destination_contact_uuid",
                {"source_contact_uuid": UUID, "destination_contact_uuid": UUID},
            ),
            answer=ANYTHING,
            refusals=refused(codes.CONTACT_NOT_FOUND),
            unsettled=UNSETTLED,
            confirm=StateRead(
                operation="contacts.get",
                copied={"contact_uuid": "source_contact_uuid"},
                gone=frozenset({codes.CONTACT_NOT_FOUND}),
                takes=_MERGE_TAKES,
            ),
            recipient="destination_contact_uuid",
            source=f"{DOCS}; no source shows the answer",
        ),
        route=Route(method="POST", path="/contacts/merge"),
    ),
    Operation(
        spec=ToolSpec(
            operation="contact_verification.send",
            names=("PIGGY_SEND_CONTACT_VERIFICATION_EMAIL",),
            summary="Send a contact an e-mail with a login code; every call sends one more.",
            effect="blind",
            recipient="email",
            parameters=arguments("email", {"email": EMAIL}),
            answer=shapes.VERIFICATION,
            refusals=refused(codes.CONTACT_NOT_FOUND, codes.USER_APP_NOT_FOUND),
            unsettled=UNSETTLED,
            source=DOCS,
        ),
        route=Route(method="POST", path="/contact-verification/send"),
    ),
    Operation(
        spec=ToolSpec(
            operation="vouchers.batch",
            names=("PIGGY_CREATE_VOUCHERS_BATCH",),
            summary="Order a batch of vouchers of a promotion; they appear later.",
            effect="asynchronous",
            parameters=arguments(
                "promotion_uuid quantity",
                {
                    "promotion_uuid": UUID,
                    "quantity": whole(1, 500),
                    "contact_uuid": UUID,
                    "activation_date": DATE,
                    "expiration_date": DATE,
                    "custom_attributes": ATTRIBUTES,
                },
            ),
            answer=shapes.VOUCHER_BATCH,
            refusals=refused(codes.PROMOTION_NOT_FOUND, codes.VOUCHER_LIMIT_REACHED, codes.CONTACT_NOT_FOUND),
            unsettled=UNSETTLED,
            echoes={"quantity": "quantity"},
            confirm=TotalRead(
                operation="vouchers.list",
                arguments={"limit": 1},
                copied={"promotion_uuid": "promotion_uuid"},
                total="total",
                grows_by="quantity",
                takes=_BATCH_TAKES,
            ),
            recipient="contact_uuid",
            source=f"{DOCS}; no source names a way to ask for a batch",
        ),
        route=Route(method="POST", path="/vouchers/batch"),
    ),
    Operation(
        spec=ToolSpec(
            operation="products.find_or_create",
            names=("PIGGY_FIND_OR_CREATE_PRODUCTS",),
            summary="Find a product by your own identifier of it, or create one.",
            effect="natural_key",
            parameters=arguments(
                "external_identifier",
                {
                    "external_identifier": words(),
                    "name": words(),
                    "description": words(10_000),
                    "categories": {
                        **list_of(arguments(fields={"uuid": UUID, "external_identifier": words()})),
                        "maxItems": 100,
                    },
                },
            ),
            answer=shapes.PRODUCT,
            refusals=refused(),
            unsettled=UNSETTLED,
            echoes={"external_identifier": "external_identifier"},
            source=f"{DOCS}; no codes are documented",
        ),
        route=Route(method="POST", path="/products/find-or-create"),
    ),
    Operation(
        spec=ToolSpec(
            operation="bookings.update",
            names=("PIGGY_UPDATE_BOOKINGS",),
            summary="Change a booking; its shop and its contact stay.",
            effect="idempotent",
            parameters={
                **arguments(
                    "uuid",
                    {
                        "uuid": UUID,
                        "external_id": words(),
                        "source": words(),
                        "starts_at": DATE,
                        "ends_at": DATE,
                        "checked_in_at": DATE,
                        "number_of_people": whole(0, 100_000),
                        "company_name": words(),
                        "status": words(),
                        "prepaid_amount": whole(0, 1_000_000_000, "In cents."),
                    },
                ),
                "minProperties": 2,
            },
            answer=shapes.BOOKING,
            refusals=refused(),
            unsettled=UNSETTLED,
            echoes={"uuid": "uuid"},
            source=f"{DOCS}; the tool's name follows the listing's rule, which is an inference",
        ),
        route=Route(method="PUT", path="/bookings/{uuid}"),
    ),
)
"""Every operation that may change the account."""
