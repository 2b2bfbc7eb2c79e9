"""Reading a call's arguments as the vendor would: every mistake is collected, then refused together."""

import re
from collections.abc import Collection
from datetime import UTC, datetime

from pydantic import JsonValue

from ..contract import JsonObject
from .refusals import INVALID_INPUT, Refusal

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Arguments:
    """The arguments of one call. A missing and a null argument are the same."""

    def __init__(self, values: JsonObject) -> None:
        self.values = values
        self._errors: dict[str, str] = {}

    def text(self, name: str, *, required: bool = False) -> str | None:
        """Return a string that is not empty."""
        value = self._present(name, required=required)
        if value is None or (isinstance(value, str) and value):
            return value
        self.wrong(name, "must be a string")
        return None

    def key(self, name: str) -> str:
        """Return a required string; empty when it is missing, which `check` then refuses."""
        return self.text(name, required=True) or ""

    def email(self, name: str = "email") -> str:
        """Return a required e-mail address."""
        value = self.key(name)
        if value and not _EMAIL.fullmatch(value):
            self.wrong(name, "must be a valid email address")
        return value

    def integer(self, name: str, *, required: bool = False) -> int | None:
        """Return a whole number."""
        value = self._present(name, required=required)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        self.wrong(name, "must be an integer")
        return None

    def number(self, name: str) -> int | float | None:
        """Return a number."""
        value = self._present(name, required=False)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        self.wrong(name, "must be a number")
        return None

    def within(self, name: str, lowest: int, highest: int, *, default: int) -> int:
        """Return a whole number between two bounds, or the default when it is missing."""
        value = self.integer(name)
        if value is None:
            return default
        if not lowest <= value <= highest:
            self.wrong(name, f"must be between {lowest} and {highest}")
        return value

    def date(self, name: str) -> datetime | None:
        """Return an ISO 8601 moment; one without a zone is UTC."""
        value = self.text(name)
        if value is None:
            return None
        moment = parse_moment(value)
        if moment is None:
            self.wrong(name, "is not a valid date")
        return moment

    def choice(self, name: str, words: Collection[str], *, required: bool = False) -> str | None:
        """Return one of some words."""
        value = self.text(name, required=required)
        if value is None or value in words:
            return value
        self.wrong(name, "is invalid")
        return None

    def mapping(self, name: str) -> dict[str, JsonValue]:
        """Return an object; empty when it is missing (PHP sends an empty one as `[]`)."""
        value = self.values.get(name)
        if value is None or value == []:
            return {}
        if isinstance(value, dict):
            return value
        self.wrong(name, "must be an object")
        return {}

    def items(self, name: str) -> list[JsonObject]:
        """Return a list of objects; empty when it is missing."""
        value = self.values.get(name)
        if value is None:
            return []
        if isinstance(value, list):
            objects = [item for item in value if isinstance(item, dict)]
            if len(objects) == len(value):
                return objects
        self.wrong(name, "must be a list of objects")
        return []

    def wrong(self, name: str, trouble: str) -> None:
        """Note what is wrong with an argument."""
        self._errors.setdefault(name, f"The {name} {trouble}.")

    def check(self) -> None:
        """Refuse the call (1003) when anything was wrong."""
        if self._errors:
            raise Refusal(INVALID_INPUT, self._errors)

    def _present(self, name: str, *, required: bool) -> JsonValue:
        value = self.values.get(name)
        if value is None and required:
            self.wrong(name, "field is required")
        return value


def parse_moment(text: str) -> datetime | None:
    """Return the moment that ISO 8601 text names, in UTC; None when it names none."""
    try:
        moment = datetime.fromisoformat(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
