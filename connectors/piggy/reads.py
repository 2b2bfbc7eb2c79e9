"""Piggy's reads, as data."""

from typing import Final

from ..contract import JsonObject, Paging, ToolSpec
from . import codes, shapes
from .codes import CAPTURES, DOCS, UNSETTLED, refused
from .route import Operation, Route
from .schema import DATE, EMAIL, PAGE, UUID, arguments, list_of, one_of, whole, words

_SPAN: JsonObject = {
    "type": "object",
    "properties": {"gt": DATE, "gte": DATE, "lt": DATE, "lte": DATE},
    "additionalProperties": False,
    "minProperties": 1,
}

READS: Final = (
    Operation(
        spec=ToolSpec(
            operation="contacts.get",
            summary="Get a contact by its uuid.",
            effect="read",
            parameters=arguments("contact_uuid", {"contact_uuid": UUID}),
            answer=shapes.CONTACT,
            refusals=refused(codes.CONTACT_NOT_FOUND),
            unsettled=UNSETTLED,
            echoes={"contact_uuid": "uuid"},
            source=DOCS,
        ),
        route=Route(method="GET", path="/contacts/{contact_uuid}"),
    ),
    Operation(
        spec=ToolSpec(
            operation="contacts.find_one_by",
            summary="Find a contact by its e-mail address.",
            effect="read",
            parameters=arguments("email", {"email": EMAIL}),
            answer=shapes.CONTACT_BY_EMAIL,
            refusals=refused(codes.CONTACT_NOT_FOUND),
            unsettled=UNSETTLED,
            echoes={"email": "email"},
            source=DOCS,
        ),
        route=Route(method="GET", path="/contacts/find-one-by"),
    ),
    Operation(
        spec=ToolSpec(
            operation="contacts.credit_balance",
            names=("PIGGY_GET_CONTACTS_CREDIT_BALANCE",),
            summary="Get how many credits a contact has.",
            effect="read",
            parameters=arguments("contact_uuid", {"contact_uuid": UUID}),
            answer=shapes.BALANCE,
            refusals=refused(codes.CONTACT_NOT_FOUND),
            unsettled=UNSETTLED,
            source=DOCS,
        ),
        route=Route(method="GET", path="/contacts/{contact_uuid}/credit-balance"),
    ),
    Operation(
        spec=ToolSpec(
            operation="contact_verification.auth_token",
            names=("PIGGY_GET_CONTACT_AUTH_TOKEN",),
            summary="Get a token with which a contact is logged in; the token is a secret.",
            effect="secret_read",
            parameters=arguments("contact_uuid", {"contact_uuid": UUID}),
            answer=shapes.AUTH_TOKEN,
            # Both token codes speak of the contact's token, not of our key.
            refusals=refused(codes.CONTACT_NOT_FOUND, codes.SECRET_INVALID, codes.TOKEN_EXPIRED),
            unsettled=UNSETTLED,
            source=f"{DOCS}; the bare string in captures of 2023",
        ),
        route=Route(method="GET", path="/contact-verification/auth-token/{contact_uuid}"),
    ),
    Operation(
        spec=ToolSpec(
            operation="vouchers.find",
            names=("PIGGY_FIND_VOUCHER_BY_CODE",),
            summary="Find a voucher by its code.",
            effect="read",
            parameters=arguments("code", {"code": words()}),
            answer=shapes.VOUCHER,
            refusals=refused(codes.VOUCHER_NOT_FOUND),
            unsettled=UNSETTLED,
            source=f"{DOCS}; the code goes into the query, as the PHP SDK sends it",
        ),
        route=Route(method="GET", path="/vouchers/find"),
    ),
    Operation(
        spec=ToolSpec(
            operation="vouchers.list",
            summary="List vouchers, of one promotion or contact if given.",
            effect="read",
            parameters=arguments(
                fields={
                    "promotion_uuid": UUID,
                    "contact_uuid": UUID,
                    "status": one_of("ACTIVE", "REDEEMED", "EXPIRED", "DEACTIVATED", "INACTIVE", "LOCKED"),
                    "limit": whole(1, 500),
                    "page": PAGE,
                }
            ),
            answer=list_of(shapes.VOUCHER),
            refusals=refused(codes.PROMOTION_NOT_FOUND, codes.CONTACT_NOT_FOUND),
            unsettled=UNSETTLED,
            paging=Paging(largest=500, last_page="last_page", total="total"),
            source=DOCS,
        ),
        route=Route(method="GET", path="/vouchers"),
    ),
    Operation(
        spec=ToolSpec(
            operation="loyalty_transactions.list",
            summary="List credit and reward receptions, of one shop or contact if given.",
            effect="read",
            parameters=arguments(
                fields={
                    "contact_uuid": UUID,
                    "shop_uuid": UUID,
                    "type": one_of("credit_receptions", "reward_receptions"),
                    "sort": one_of("created_at", "-created_at"),
                    "created_at": _SPAN,
                    "limit": whole(1, 100),
                    "page": PAGE,
                }
            ),
            answer=list_of(shapes.TRANSACTION),
            refusals=refused(codes.CONTACT_NOT_FOUND),
            unsettled=UNSETTLED,
            paging=Paging(largest=100, last_page="last_page", total="total"),
            source=(
                f"{DOCS}; contact_uuid was documented until 2025 and may be ignored; that a contact which is not"
                " there is refused, as by other listings, is an inference"
            ),
        ),
        route=Route(method="GET", path="/loyalty-transactions"),
    ),
    Operation(
        spec=ToolSpec(
            operation="loyalty_transaction_attributes.list",
            summary="List the attributes that a loyalty transaction can carry.",
            effect="read",
            parameters=arguments(),
            answer=list_of(shapes.TRANSACTION_ATTRIBUTE),
            refusals=refused(),
            unsettled=UNSETTLED,
            source=CAPTURES,
        ),
        route=Route(method="GET", path="/loyalty-transaction-attributes"),
    ),
    Operation(
        spec=ToolSpec(
            operation="shops.list",
            summary="List the account's shops.",
            effect="read",
            parameters=arguments(),
            answer=list_of(shapes.SHOP),
            refusals=refused(),
            unsettled=UNSETTLED,
            source=DOCS,
        ),
        route=Route(method="GET", path="/shops"),
    ),
    Operation(
        spec=ToolSpec(
            operation="promotions.list",
            summary="List the account's promotions.",
            effect="read",
            parameters=arguments(fields={"limit": whole(1, 100), "page": PAGE}),
            answer=list_of(shapes.PROMOTION),
            refusals=refused(),
            unsettled=UNSETTLED,
            paging=Paging(),
            source=f"{DOCS}; it takes pages and tells no last one",
        ),
        route=Route(method="GET", path="/promotions"),
    ),
    Operation(
        spec=ToolSpec(
            operation="forms.list",
            names=("PIGGY_LIST_FORMS",),
            summary="List the account's forms.",
            effect="read",
            parameters=arguments(
                fields={"status": one_of("PUBLISHED", "DRAFT", "BIN"), "type": one_of("PUBLIC", "PRIVATE")}
            ),
            answer=list_of(shapes.FORM),
            refusals=refused(),
            unsettled=UNSETTLED,
            source=DOCS,
        ),
        route=Route(method="GET", path="/forms"),
    ),
    Operation(
        spec=ToolSpec(
            operation="perks.list",
            names=("PIGGY_LIST_PERKS",),
            summary="List the perks that a tier can give.",
            effect="read",
            parameters=arguments(),
            answer=list_of(shapes.PERK),
            refusals=refused(),
            unsettled=UNSETTLED,
            source=DOCS,
        ),
        route=Route(method="GET", path="/perks"),
    ),
)
"""Every operation that changes nothing."""
