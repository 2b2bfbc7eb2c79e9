"""The one place through which every value passes on its way into the record.

Today it removes secrets by value. Placeholders for personal values will sit here too.
"""

import base64
from itertools import takewhile
from urllib.parse import quote

import orjson
from pydantic import JsonValue, SecretStr

MASK = "[secret]"
_HEAD = 8  # so many first characters of a secret, where a text was cut within it, are masked like the whole
_SHORTEST = 6  # shorter secrets would mask ordinary words; credentials refuse them anyway


def is_recordable(value: JsonValue) -> bool:
    """Tell whether a value survives being written: no NaN, no lone surrogate, no integer beyond 64 bits."""
    try:
        return bool(orjson.loads(orjson.dumps(value)) == value)
    except TypeError:  # what orjson raises for all that it cannot write
        return False


class Vault:
    """Knows the secrets of this process and keeps them out of what is written."""

    def __init__(self) -> None:
        self._needles: tuple[str, ...] = ()

    def learn(self, secret: SecretStr) -> None:
        """Mask this secret from now on, in every encoding we know."""
        plain = secret.get_secret_value()
        if len(plain) >= _SHORTEST:
            found = {*self._needles, *_encodings(plain)}
            self._needles = tuple(sorted(found, key=lambda needle: (-len(needle), needle)))

    def seal_text(self, text: str) -> str:
        """Return `text` with every known secret masked."""
        for needle in self._needles:
            if needle in text:
                text = text.replace(needle, MASK)
            if needle[:_HEAD] in text:
                text = _without_head(text, needle)
        return text

    def seal(self, value: JsonValue) -> str:
        """Return `value` as JSON text with every known secret masked."""
        text = orjson.dumps(value).decode()
        if "\\" not in text and self.seal_text(text) == text:  # without escapes, all values stand as they are
            return text
        return orjson.dumps(self._masked(value)).decode()

    def _masked(self, value: JsonValue) -> JsonValue:
        """Mask value by value: replaced within the text, a secret of digits would break the JSON."""
        match value:
            case str():
                return self.seal_text(value)
            case list():
                return [self._masked(item) for item in value]
            case dict():
                return {self.seal_text(name): self._masked(item) for name, item in value.items()}
            case int() | float() if not isinstance(value, bool):
                text = orjson.dumps(value).decode()
                return value if self.seal_text(text) == text else MASK
            case _:
                return value


def _without_head(text: str, needle: str) -> str:
    """Mask what is left of a secret within which a text was cut: an excerpt, the first words of a message."""
    head = needle[:_HEAD]
    parts = text.split(head)
    kept = [parts[0]]
    for part in parts[1:]:
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(needle[_HEAD:], part, strict=False))
        kept.append(MASK + part[sum(1 for _ in alike) :])
    return "".join(kept)


def _encodings(plain: str) -> set[str]:
    raw = plain.encode()
    forms = {plain, orjson.dumps(plain).decode()[1:-1], quote(plain, safe=""), raw.hex(), raw.hex().upper()}
    for shift in range(
        3
    ):  # base64 spells a text in three ways, after where it starts within a group of three
        text = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        head = (0, 2, 3)[shift]
        core = text[head : len(text) - (1 if (shift + len(raw)) % 3 else 0)]
        forms |= {core, core.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= _SHORTEST}
