"""The sandbox's records. Plain data that compares by value: two worlds are equal when their states are."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from pydantic import JsonValue

_NAMESPACE = UUID("6d656e64-666c-4f77-8a5b-7361006e6462")


@dataclass(frozen=True, slots=True)
class Shop:
    """One place of business."""

    id: int
    uuid: str
    name: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class Unit:
    """What purchases are counted in."""

    id: int
    name: str
    label: str
    prefix: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class Attribute:
    """A field that the account has added to contacts or to loyalty transactions."""

    id: int
    name: str
    label: str
    data_type: str
    description: str
    options: tuple[tuple[str, str], ...]
    """Pairs of value and label."""
    created_at: datetime


@dataclass(slots=True)
class Reception:
    """One credit reception: an entry of the ledger that is never changed, except that a merge moves it."""

    id: int
    """Its place among all receptions."""
    uuid: str
    contact_uuid: str
    shop_uuid: str
    credits: int
    unit_value: int | float | None
    unit_name: str
    identifier: str
    created_at: datetime
    attributes: dict[str, JsonValue]


@dataclass(slots=True)
class Contact:
    """A member; `balance` and the other sums follow from `receptions`."""

    id: int
    uuid: str
    email: str | None
    is_anonymous: bool
    created_at: datetime
    updated_at: datetime
    values: dict[str, JsonValue] = field(default_factory=dict)
    identifier: str = ""
    receptions: list[Reception] = field(default_factory=list)
    balance: int = 0
    previous_balance: int = 0
    received: int = 0


@dataclass(slots=True)
class Promotion:
    """What vouchers are made from; `promised` counts the issued and those of batches under way."""

    uuid: str
    name: str
    description: str
    voucher_limit: int | None
    promised: int = 0


@dataclass(slots=True)
class Voucher:
    """One voucher."""

    uuid: str
    code: str
    promotion_uuid: str
    contact_uuid: str | None
    activation_date: datetime | None
    expiration_date: datetime | None
    attributes: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Category:
    """A group of products."""

    uuid: str
    external_identifier: str
    name: str


@dataclass(frozen=True, slots=True)
class Product:
    """One article."""

    uuid: str
    external_identifier: str
    name: str
    description: str | None
    categories: tuple[Category, ...]


@dataclass(slots=True)
class Booking:
    """One reservation; `values` holds what can be updated."""

    uuid: str
    contact_uuid: str
    shop_uuid: str
    created_at: datetime
    values: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Merge:
    """A scheduled move of everything from one contact to another."""

    due: datetime
    source_uuid: str
    destination_uuid: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A scheduled making of vouchers."""

    due: datetime
    promotion_uuid: str
    quantity: int
    contact_uuid: str | None
    activation_date: datetime | None
    expiration_date: datetime | None
    attributes: dict[str, JsonValue]


@dataclass(slots=True)
class State:
    """Everything that the vendor would keep of one account."""

    seed: int
    counters: dict[str, int] = field(default_factory=dict)
    shops: dict[str, Shop] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    emails: dict[str, str] = field(default_factory=dict)
    """E-mail in lower case to the contact's uuid."""
    merged: dict[str, str] = field(default_factory=dict)
    """Uuid of a contact that is gone to the one which took it over."""
    contact_attributes: dict[str, Attribute] = field(default_factory=dict)
    transaction_attributes: dict[str, Attribute] = field(default_factory=dict)
    receptions: list[Reception] = field(default_factory=list)
    shop_receptions: dict[str, list[Reception]] = field(default_factory=dict)
    pos_transactions: dict[str, bool] = field(default_factory=dict)
    """Uuid to whether a reception is linked to it."""
    promotions: dict[str, Promotion] = field(default_factory=dict)
    vouchers: dict[str, Voucher] = field(default_factory=dict)
    """By code."""
    promotion_vouchers: dict[str, list[Voucher]] = field(default_factory=dict)
    contact_vouchers: dict[str, list[Voucher]] = field(default_factory=dict)
    categories: dict[str, Category] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    """By external identifier."""
    bookings: dict[str, Booking] = field(default_factory=dict)
    jobs: list[Merge | Batch] = field(default_factory=list)
    """In the order in which they were scheduled; each kind has one delay."""
    mails_sent: int = 0
    key_rotations: int = 0

    def number(self, kind: str) -> int:
        """Count one more of a kind and return its number."""
        number = self.counters.get(kind, 0) + 1
        self.counters[kind] = number
        return number

    def identify(self, kind: str) -> str:
        """Return the next uuid of a kind."""
        return derive(self.seed, kind, str(self.number(kind)))

    def owner(self, uuid: str) -> str:
        """Return the uuid of the contact under which a merged one lives on."""
        while uuid in self.merged:
            uuid = self.merged[uuid]
        return uuid


def derive(seed: int, *parts: str) -> str:
    """Return the uuid that belongs to these words under this seed."""
    return str(uuid5(_NAMESPACE, ":".join((str(seed), *parts))))
