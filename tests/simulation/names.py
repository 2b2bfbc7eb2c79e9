"""What tells one effect from another, at the vendor as in the journal."""

from mendflow.connectors.contract import JsonObject
from pydantic import JsonValue

KEYS = {
    "credit_receptions.create": "gift",
    "contacts.claim": "anonymous_contact_uuid",
    "contacts.merge": "source_contact_uuid",
    "vouchers.batch": "contact_uuid",
    "contact_verification.send": "email",
    "contacts.find_or_create": "email",
    "contacts.update": "contact_uuid",
    "products.find_or_create": "external_identifier",
    "contact_attributes.create": "name",
    "loyalty_transaction_attributes.create": "name",
    "pos_transactions.create": "transaction_id",
}
"""By operation, the argument of which each value belongs to one logical effect of a world.

None of them is made by the code that is on trial: an award is told by what the workflow says it is for, not by the
marker that the engine gave it.
"""

MAY_REPEAT = frozenset({"pos_transactions.create"})
"""What our workflows allow to be repeated, because a repetition does no harm."""

Name = tuple[str, str]
"""An effect: its operation, and the value of the argument that tells it apart."""


def name_of(operation: str, arguments: JsonObject) -> Name:
    """Return an effect's name; it has no value where none tells it apart, as a stranger's award without marker."""
    return operation, str(arguments.get(KEYS.get(operation, "")) or "")


def name_of_request(request: JsonValue) -> Name:
    """Return the name of the effect that a recorded request asks for."""
    if not isinstance(request, dict) or not isinstance(request["arguments"], dict):
        raise TypeError("a recorded request has arguments")
    return name_of(str(request["operation"]), request["arguments"])
