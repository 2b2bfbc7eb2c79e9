"""Reads the keys of one mapping strictly: what is asked for is known, all else is a mistake."""

import re
from collections.abc import Iterable

from .diagnostics import Report, suggestion
from .plan import Place
from .reader import Broken, Entry, Mapping, Node, Scalar, Sequence, describe, shorten

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""Names that expressions use."""
LABEL = re.compile(r"[a-z][a-z0-9_-]{0,63}")
"""Names that expressions do not use."""
RESERVED = frozenset({"in", "true", "false", "null"})
"""Words that CEL does not read as the name of a field."""


class Fields:
    """The keys of one mapping. Every reading notes its own mistakes; call `close` at the end."""

    def __init__(self, node: Mapping, what: str, report: Report) -> None:
        self.node = node
        self.what = what
        """What the mapping is, for messages, e.g. "step `award`"."""
        self.report = report
        self._entries = {entry.key: entry for entry in node.entries}
        self._known: set[str] = set()

    def has(self, key: str) -> bool:
        """Return whether the key is there; asking makes it a known one."""
        self._known.add(key)
        return key in self._entries

    def place(self, key: str) -> Place:
        """Return where the key stands, or the mapping when it is missing."""
        entry = self._entries.get(key)
        return entry.place if entry else self.node.place

    def node_of(self, key: str, *, required: bool = False) -> Node | None:
        """Return what stands under the key; nothing written counts as missing."""
        self._known.add(key)
        entry = self._entries.get(key)
        if entry is not None and not _is_nothing(entry.value):
            return entry.value
        if required or entry is not None:
            self._missing(key, entry)
        return None

    def _missing(self, key: str, entry: Entry | None) -> None:
        found = f"`{key}` is empty" if entry else f"`{key}` is missing"
        place = entry.place if entry else self.node.place
        self.report.add("MF1102", place, f"{found} in {self.what}")

    def text(self, key: str, *, required: bool = False, secret: bool = False) -> str:
        """Return the text under the key; empty when there is none. A `secret` is never shown in a message."""
        node = self.node_of(key, required=required)
        if node is None or isinstance(node, Broken):
            return ""
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return node.value
        found = "something else" if secret else describe(node)
        advice = 'Put quotes around it, e.g. "1.0".' if isinstance(node, Scalar) else ""
        self.report.add("MF1103", node.place, f"`{key}`: found {found}, expected a text", advice)
        return ""

    def choice(self, key: str, allowed: Iterable[str], default: str) -> str:
        """Return one of the allowed words."""
        found = self.text(key)
        choices = tuple(allowed)
        if not found or found in choices:
            return found or default
        listed = ", ".join(f"`{choice}`" for choice in choices)
        self.report.add(
            "MF1104", self.place_of_value(key), f"`{key}`: found `{shorten(found)}`, expected one of {listed}"
        )
        return default

    def integer(self, key: str, *, least: int, most: int, default: int) -> int:
        """Return a whole number within bounds."""
        node = self.node_of(key)
        if node is None or isinstance(node, Broken):
            return default
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, bool) or not isinstance(value, int):
            self.report.add("MF1103", node.place, f"`{key}`: found {describe(node)}, expected a whole number")
            return default
        if not least <= value <= most:
            self.report.add("MF1106", node.place, f"`{key}`: found {value}, expected {least} to {most}")
            return default
        return value

    def flag(self, key: str) -> bool:
        """Return whether the key says `true`; false when it is not there."""
        node = self.node_of(key)
        if node is None or isinstance(node, Broken):
            return False
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        message = f"`{key}`: found {describe(node)}, expected `true` or `false`"
        self.report.add("MF1103", node.place, message, "Write it plainly, without quotes.")
        return False

    def mapping(self, key: str, *, required: bool = False) -> Mapping | None:
        """Return the mapping under the key."""
        node = self.node_of(key, required=required)
        return None if node is None else as_mapping(node, f"`{key}`", self.report)

    def names(self, key: str, *, required: bool = False) -> tuple[tuple[str, Place], ...]:
        """Return a list of names, each with its place."""
        return self.texts(key, "name", "Write the list in brackets, e.g. `[review]`.", required=required)

    def texts(
        self, key: str, what: str, advice: str, *, required: bool = False
    ) -> tuple[tuple[str, Place], ...]:
        """Return a list of texts, each with its place; `what` is the word for one of them."""
        node = self.node_of(key, required=required)
        if node is None or isinstance(node, Broken):
            return ()
        if not isinstance(node, Sequence):
            message = f"`{key}`: found {describe(node)}, expected a list of {what}s"
            self.report.add("MF1103", node.place, message, advice)
            return ()
        found: list[tuple[str, Place]] = []
        for item in node.items:
            if isinstance(item, Scalar) and isinstance(item.value, str):
                found.append((item.value, item.place))
            elif not isinstance(item, Broken):
                self.report.add("MF1103", item.place, f"`{key}`: found {describe(item)}, expected a {what}")
        return tuple(found)

    def place_of_value(self, key: str) -> Place:
        """Return where the value of the key stands."""
        entry = self._entries.get(key)
        return entry.value.place if entry else self.node.place

    def entry_values(self) -> dict[str, Node]:
        """Return what stands under each key, without making any key a known one."""
        return {key: entry.value for key, entry in self._entries.items()}

    def close(self, elsewhere: dict[str, str] | None = None) -> None:
        """Note every key that nobody asked for; `elsewhere` says of some keys where they would belong."""
        for key, entry in self._entries.items():
            if key in self._known or key.startswith("x-"):
                continue
            belongs = (elsewhere or {}).get(key)
            if belongs:
                self.report.add(
                    "MF1101", entry.place, f"`{shorten(key)}` does not belong in {self.what}; {belongs}"
                )
                continue
            message = f"unknown key `{shorten(key)}` in {self.what}{suggestion(key, self._known)}"
            self.report.add("MF1101", entry.place, message, "Keys that begin with `x-` are ignored.")


def as_mapping(node: Node, what: str, report: Report) -> Mapping | None:
    """Return the node when it is a mapping, else note the mistake."""
    if isinstance(node, Mapping):
        return node
    if not isinstance(node, Broken):
        report.add(
            "MF1103", node.place, f"{what}: found {describe(node)}, expected a mapping of keys and values"
        )
    return None


def check_name(name: str, place: Place, what: str, report: Report, *, label: bool = False) -> None:
    """Note a name that cannot be used; a `label` may hold hyphens, because no expression holds it."""
    pattern = LABEL if label else NAME
    if pattern.fullmatch(name) and (label or name not in RESERVED):
        return
    allowed = "letters a to z, digits, `_`" + (" and `-`" if label else "")
    message = (
        f"{what}: the name `{shorten(name)}` cannot be used; expected {allowed}, a letter first, at most 64"
    )
    report.add("MF1105", place, message)


def places_of(node: Mapping) -> dict[str, Place]:
    """Return the place of every key, those of mappings inside under dotted names."""
    found: dict[str, Place] = {}
    for entry in node.entries:
        found[entry.key] = entry.place
        if isinstance(entry.value, Mapping):
            inner = places_of(entry.value)
            found.update({f"{entry.key}.{name}": place for name, place in inner.items()})
    return found


def _is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None
