"""What the vendor refuses, by its own codes (api.md section 3); every one answers HTTP 400."""

from pydantic import JsonValue

from ..contract import JsonObject

INVALID_INPUT = 1003
SHOP_NOT_FOUND = 1008
TOO_MANY_CREDITS = 1015
POS_TRANSACTION_NOT_FOUND = 1027
POS_TRANSACTION_LINKED = 6001
CONTACT_NOT_FOUND = 55031
CREATING_IN_PROGRESS = 60001
IDENTIFIER_NOT_FOUND = 60003
UNIT_NOT_FOUND = 60007
ATTRIBUTE_EXISTS = 60009
IDENTIFIER_LINKED = 60014
CONTACT_NOT_ANONYMOUS = 60016
PROMOTION_NOT_FOUND = 80002
VOUCHER_NOT_FOUND = 80004
VOUCHER_LIMIT_REACHED = 80008

_MESSAGES = {
    INVALID_INPUT: "Invalid input.",
    SHOP_NOT_FOUND: "Shop not found.",
    TOO_MANY_CREDITS: "Maximum amount of credits reached.",
    POS_TRANSACTION_NOT_FOUND: "POS Transaction not found.",
    POS_TRANSACTION_LINKED: "The POS transaction is already linked to a credit reception.",
    CONTACT_NOT_FOUND: "Contact not found.",
    CREATING_IN_PROGRESS: "Credit reception creating in progress.",
    IDENTIFIER_NOT_FOUND: "Contact identifier not found.",
    UNIT_NOT_FOUND: "Unit not found.",
    ATTRIBUTE_EXISTS: "Attribute already exists.",
    IDENTIFIER_LINKED: "Contact identifier is already linked.",
    CONTACT_NOT_ANONYMOUS: "Contact not anonymous.",
    PROMOTION_NOT_FOUND: "Promotion not found.",
    VOUCHER_NOT_FOUND: "Voucher not found.",
    VOUCHER_LIMIT_REACHED: "Voucher limit reached.",
}


class Refusal(Exception):  # the vendor's answer, not an error of ours; it never leaves the room
    """The world refuses a call and stays as it was."""

    def __init__(self, code: int, errors: dict[str, str] | None = None) -> None:
        super().__init__(_MESSAGES.get(code, "Refused."))
        self.code = code
        self.errors = errors or {}

    def body(self) -> JsonObject:
        """Return the vendor's error envelope."""
        envelope: JsonObject = {"message": str(self), "code": self.code, "status_code": 400}
        if not self.errors:
            return envelope
        # The vendor serves lists of sentences and bare sentences (drift 43): e-mails get the bare one here.
        errors: dict[str, JsonValue] = {
            field: sentence if field == "email" else [sentence] for field, sentence in self.errors.items()
        }
        return envelope | {"errors": errors}
