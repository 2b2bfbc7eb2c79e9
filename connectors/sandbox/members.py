"""Operations on contacts: find, create, update, claim, merge, attributes, verification."""

from datetime import datetime, timedelta
from math import isfinite

from pydantic import JsonValue

from ..contract import JsonObject
from .arguments import Arguments, parse_moment
from .refusals import (
    ATTRIBUTE_EXISTS,
    CONTACT_NOT_ANONYMOUS,
    CONTACT_NOT_FOUND,
    IDENTIFIER_LINKED,
    IDENTIFIER_NOT_FOUND,
    Refusal,
)
from .served import Operation, Served
from .shapes import CURRENT_VALUES, show_contact, show_contact_attribute, show_token
from .state import Attribute, Contact, Merge, State

JOB_DELAY = timedelta(seconds=0.1)
"""How long a scheduled job takes."""

DATA_TYPES = frozenset(
    {
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
    }
)
_DATES = frozenset({"date", "date_time", "birth_date"})


def find_contact(state: State, uuid: str | None) -> Contact:
    """Return a contact, or refuse (55031)."""
    contact = state.contacts.get(uuid or "")
    if contact is None:
        raise Refusal(CONTACT_NOT_FOUND)
    return contact


def get(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `contacts.get`."""
    del at
    return Served(show_contact(find_contact(state, arguments.text("contact_uuid")), state), [])


def find_one_by(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `contacts.find_one_by`; the case of an e-mail does not count (inference)."""
    del at
    email = arguments.email()
    arguments.check()
    return Served(show_contact(find_contact(state, state.emails.get(email.lower())), state), [])


def find_or_create(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `contacts.find_or_create`, a GET that writes when nobody has the e-mail."""
    email = arguments.email()
    arguments.check()
    known = state.emails.get(email.lower())
    if known is not None:
        return Served(show_contact(state.contacts[known], state), [])
    contact = Contact(
        id=state.number("contact_id"),
        uuid=state.identify("contact"),
        email=email,
        is_anonymous=False,
        created_at=at,
        updated_at=at,
    )
    state.contacts[contact.uuid] = contact
    state.emails[email.lower()] = contact.uuid
    return Served(show_contact(contact, state), [], wrote=True)


def create_anonymous(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `contacts.create_anonymous`: never the same twice.

    Every identifier of the sandbox has its contact, so a given one is refused: 60014, or 60003 if unknown.
    """
    identifier = arguments.text("contact_identifier_value")
    arguments.check()
    if identifier is not None:
        is_known = any(contact.identifier == identifier for contact in state.contacts.values())
        raise Refusal(IDENTIFIER_LINKED if is_known else IDENTIFIER_NOT_FOUND)
    contact = Contact(
        id=state.number("contact_id"),
        uuid=state.identify("contact"),
        email=None,
        is_anonymous=True,
        created_at=at,
        updated_at=at,
    )
    state.contacts[contact.uuid] = contact
    return Served({"uuid": contact.uuid}, [], wrote=True)


def update(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `contacts.update`. An update that changes nothing is no effect (inference)."""
    contact = find_contact(state, arguments.text("contact_uuid"))
    given = _given_values(arguments)
    changes: JsonObject = {}
    for name, value in given.items():
        attribute = state.contact_attributes.get(name)
        if attribute is None:
            arguments.wrong(f"attributes.{name}", "does not exist or is read only")
            continue
        changes[name] = _fitting(attribute, value)
        if value is not None and changes[name] is None:
            arguments.wrong(f"attributes.{name}", f"is no {attribute.data_type}")
    arguments.check()
    wrote = any(contact.values.get(name) != value for name, value in changes.items())
    if wrote:
        contact.values.update(changes)
        contact.updated_at = at
    return Served(show_contact(contact, state), [], wrote=wrote)


def claim(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `contacts.claim`: the anonymous contact gets the e-mail, or is merged into the one who has it."""
    contact = find_contact(state, arguments.text("anonymous_contact_uuid"))
    email = arguments.email()
    arguments.check()
    if not contact.is_anonymous:
        raise Refusal(CONTACT_NOT_ANONYMOUS)
    holder = state.contacts.get(state.emails.get(email.lower(), ""))
    if holder is not None:
        move(state, contact, holder)
        return Served(show_contact(holder, state), [], wrote=True)
    contact.email = email
    contact.is_anonymous = False
    contact.updated_at = at
    state.emails[email.lower()] = contact.uuid
    return Served(show_contact(contact, state), [], wrote=True)


def merge(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `contacts.merge`, which schedules a job.

    To ask again for one that is scheduled is no effect (inference).
    """
    source, destination = arguments.key("source_contact_uuid"), arguments.key("destination_contact_uuid")
    if source and source == destination:
        arguments.wrong("destination_contact_uuid", "must differ from the source")
    arguments.check()
    find_contact(state, source)
    find_contact(state, destination)
    pending = {(job.source_uuid, job.destination_uuid) for job in state.jobs if isinstance(job, Merge)}
    if (source, destination) in pending:
        return Served(None, [])
    state.jobs.append(Merge(at + JOB_DELAY, source, destination))
    return Served(None, [], wrote=True)


def finish_merge(state: State, job: Merge) -> None:
    """Do a scheduled merge; other merges may have taken its contacts meanwhile."""
    source, destination = state.owner(job.source_uuid), state.owner(job.destination_uuid)
    if source != destination:
        move(state, state.contacts[source], state.contacts[destination])


def move(state: State, source: Contact, destination: Contact) -> None:
    """Give everything that a contact has to another, and remove it."""
    for reception in source.receptions:
        reception.contact_uuid = destination.uuid
    vouchers = state.contact_vouchers.pop(source.uuid, [])
    for voucher in vouchers:
        voucher.contact_uuid = destination.uuid
    state.contact_vouchers.setdefault(destination.uuid, []).extend(vouchers)
    for booking in state.bookings.values():
        if booking.contact_uuid == source.uuid:
            booking.contact_uuid = destination.uuid
    destination.receptions = sorted([*destination.receptions, *source.receptions], key=lambda entry: entry.id)
    destination.previous_balance = destination.balance
    destination.balance += source.balance
    destination.received += source.received
    destination.identifier = destination.identifier or source.identifier
    if source.email is not None:
        del state.emails[source.email.lower()]
    state.merged[source.uuid] = destination.uuid
    del state.contacts[source.uuid]


def credit_balance(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `contacts.credit_balance`."""
    del at
    contact = find_contact(state, arguments.text("contact_uuid"))
    return Served({"balance": contact.balance}, [])


def list_attributes(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `contact_attributes.list`."""
    del arguments, at
    return Served([show_contact_attribute(attribute) for attribute in state.contact_attributes.values()], [])


def create_attribute(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `contact_attributes.create`; a name is given once (60009)."""
    attribute = read_attribute(state, arguments, at)
    if attribute.name in state.contact_attributes or attribute.name in CURRENT_VALUES:
        raise Refusal(ATTRIBUTE_EXISTS)
    state.number("attribute_id")
    state.contact_attributes[attribute.name] = attribute
    return Served(show_contact_attribute(attribute), [], wrote=True)


def read_attribute(state: State, arguments: Arguments, at: datetime) -> Attribute:
    """Return the attribute that a call describes, with the next number, or refuse (1003)."""
    name, label = arguments.key("name"), arguments.key("label")
    data_type = arguments.choice("data_type", DATA_TYPES, required=True) or ""
    description = arguments.text("description") or ""
    options = _options(arguments)
    if data_type in {"select", "multi_select"} and not options:
        arguments.wrong("options", "field is required")
    arguments.check()
    number = state.counters.get("attribute_id", 0) + 1
    return Attribute(number, name, label, data_type, description, options, at)


def send_verification(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `contact_verification.send`: every call sends one more e-mail."""
    del at
    email = arguments.email()
    arguments.check()
    find_contact(state, state.emails.get(email.lower()))
    state.mails_sent += 1
    return Served({"type": "Success", "message": "Email has been sent"}, [], wrote=True)


def auth_token(state: State, arguments: Arguments, at: datetime) -> Served:
    """Serve `contact_verification.auth_token`."""
    contact = find_contact(state, arguments.text("contact_uuid"))
    return Served(show_token(contact, state, at), [])


def _options(arguments: Arguments) -> tuple[tuple[str, str], ...]:
    given = arguments.values.get("options")
    if isinstance(given, dict):
        return tuple((value, str(label)) for value, label in given.items())
    return tuple((str(item.get("value")), str(item.get("label"))) for item in arguments.items("options"))


def _given_values(arguments: Arguments) -> JsonObject:
    """Read `attributes`: an object, or a list of `{name, value}` as the docs' word "array" may be read."""
    given = arguments.values.get("attributes")
    if isinstance(given, list) and given:
        pairs = arguments.items("attributes")
        return {str(pair.get("name")): pair.get("value") for pair in pairs}
    if given is None:
        arguments.wrong("attributes", "field is required")
    return arguments.mapping("attributes")


def _fitting(attribute: Attribute, value: JsonValue) -> JsonValue:
    """Return the value as the attribute keeps it; None when it does not fit. Numbers may come as strings."""
    words = [word for word, _ in attribute.options]
    match attribute.data_type:
        case "number" | "float":
            return _fitting_number(value, whole=attribute.data_type == "number")
        case "boolean":
            return {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())
        case "select":
            return str(value) if str(value) in words else None
        case "multi_select":
            chosen = value if isinstance(value, list) else [value]
            return [str(word) for word in chosen] if {str(word) for word in chosen} <= set(words) else None
        case kind if kind in _DATES:
            return value if isinstance(value, str) and parse_moment(value) else None
        case _:
            return value if isinstance(value, str) else None


def _fitting_number(value: JsonValue, *, whole: bool) -> JsonValue:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = int(str(value)) if whole else float(value)
    except ValueError:
        return None
    return number if isfinite(number) else None


MEMBER_OPERATIONS: dict[str, Operation] = {
    "contacts.get": get,
    "contacts.find_one_by": find_one_by,
    "contacts.find_or_create": find_or_create,
    "contacts.create_anonymous": create_anonymous,
    "contacts.update": update,
    "contacts.claim": claim,
    "contacts.merge": merge,
    "contacts.credit_balance": credit_balance,
    "contact_attributes.list": list_attributes,
    "contact_attributes.create": create_attribute,
    "contact_verification.send": send_verification,
    "contact_verification.auth_token": auth_token,
}
