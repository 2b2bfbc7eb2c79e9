"""YAML text to a plain tree with positions. The only file that knows the YAML library.

The tree is built from the parser's events, so that hostile files (deep nesting, alias bombs, endless lists)
are refused while they are read. Scalars follow the core schema of YAML 1.2: `no` is text, dates are text.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from pydantic import JsonValue
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from .diagnostics import Report
from .plan import Place

LARGEST = 1_048_576
"""Bytes of a file."""
DEEPEST = 64
"""Levels of nesting, aliases expanded."""
MOST_VALUES = 20_000
"""Values of a file, aliases expanded."""

_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_ODD_NUMBER = re.compile(r"[-+]?0[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value."""

    place: Place
    value: str | int | float | bool | None
    raw: str = ""
    """The value as it stands in the file, quotes and line breaks included."""
    size: int = 1
    depth: int = 0

    def at(self, offset: int) -> Place:
        """Return where the character `offset` of a text stands in the file."""
        text = self.value if isinstance(self.value, str) else ""
        heres, breaks = _alignment(text, self.raw)
        here = heres[min(offset, len(text))]
        line = bisect_left(breaks, here)
        column = here - breaks[line - 1] if line else self.place.column + here
        return Place(file=self.place.file, line=self.place.line + line, column=column)


@lru_cache(maxsize=16)
def _alignment(text: str, raw: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return where each character of a text, and its end, stand as it is written, and where its lines end."""
    farthest = 256  # an escape, or the indentation of a line, is not longer; else the place is only near
    start = raw.find("\n") + 1 if raw[:1] in {"|", ">"} else 0
    here = start
    heres: list[int] = []
    for character in text:
        found = raw.find(character, start, start + farthest)
        if found == start or (found > start and not character.isspace()):
            here, start = found, found + 1
        heres.append(here)
    heres.append(here + 1 if text else here)
    return tuple(heres), tuple(match.start() for match in re.finditer("\n", raw))


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    place: Place
    items: tuple["Node", ...]
    size: int = 1
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping with its value."""

    key: str
    place: Place
    value: "Node"


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in the order of the file; no key twice."""

    place: Place
    entries: tuple[Entry, ...]
    size: int = 1
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Broken:
    """A value about which a mistake is noted already; whoever meets it says nothing more."""

    place: Place
    size: int = 1
    depth: int = 0


Node = Scalar | Sequence | Mapping | Broken


def plain(node: Node) -> JsonValue:
    """Return the values of a tree without their positions."""
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {entry.key: plain(entry.value) for entry in node.entries}
        case Broken():
            return None


def describe(node: Node) -> str:
    """Return a few words on what stands there, for messages."""
    match node:
        case Sequence():
            return "a list"
        case Mapping():
            return "a mapping"
        case Broken():
            return "something unreadable"
        case Scalar(value=None):
            return "nothing"
        case Scalar(value=bool()):
            return f"`{str(node.value).lower()}`"
        case Scalar(value=str()):
            return f"the text `{shorten(str(node.value))}`"
        case Scalar():
            return f"the number {node.value}"


def shorten(text: str) -> str:
    """Return the text, or its beginning when it is long, on one line."""
    most = 40
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


class _Stop(Exception):  # a signal between two functions here, not an error of anybody's
    """Reading cannot go on; the mistake is noted."""


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is still being read."""

    place: Place
    anchor: str | None
    is_mapping: bool
    items: list[Node] = field(default_factory=list)
    """Of a mapping: keys and values in turn."""


def read(text: str, file: str, report: Report) -> Mapping | None:
    """Return the mapping that the text holds; None when a mistake makes the whole unreadable."""
    start = Place(file=file, line=1, column=1)
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > LARGEST:
        message = f"the file has {size} bytes; expected at most {LARGEST}"
        report.add("MF1005", start, message, "Keep data in files of its own and read it through a connector.")
        return None
    builder = _Builder(text.removeprefix("\ufeff"), file, report)
    try:
        root = builder.build()
    except _Stop:
        return None
    if isinstance(root, Mapping):
        return root
    if not isinstance(root, Broken):
        found = "an empty file" if root is None else describe(root)
        place = start if root is None else root.place
        report.add("MF1011", place, f"found {found}, expected a mapping that starts with `apiVersion:`")
    return None


class _Builder:
    """Turns the parser's events into the tree."""

    def __init__(self, text: str, file: str, report: Report) -> None:
        self.text = text
        self.file = file
        self.report = report
        self.frames: list[_Frame] = []
        self.anchors: dict[str, Node] = {}
        self.open_anchors: set[str] = set()
        self.values = 0
        self.root: Node | None = None
        self.documents = 0

    def build(self) -> Node | None:
        for event in self._events():
            match event:
                case ScalarEvent():
                    self._place(self._scalar(event), event.anchor)
                case MappingStartEvent() | SequenceStartEvent():
                    self._open(event)
                case MappingEndEvent() | SequenceEndEvent():
                    self._close()
                case AliasEvent():
                    self._place(self._alias(event), None)
                case DocumentStartEvent():
                    self._document(event)
                case _:
                    pass
        return self.root

    def _events(self) -> Iterator[Event]:
        try:
            yield from YAML(typ="safe", pure=True).parse(self.text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._unreadable(
                self._at(mark) if mark else self._offset(0), error.problem or "", error.context or ""
            )
        except ReaderError as error:
            found = f"the character U+{ord(str(error.character)[:1] or ' '):04X} may not stand in a YAML file"
            self._unreadable(self._offset(error.position), found, "")
        except (
            YAMLError,
            ValueError,
            OverflowError,
            AssertionError,
        ) as error:  # what the library lets through, e.g. for `\UFFFFFFFF` and `%YAML 1.3`
            self._unreadable(self._offset(0), str(error).splitlines()[0] if str(error) else "unreadable", "")

    def _unreadable(self, place: Place, problem: str, context: str) -> None:
        if "'\\t'" in problem:
            self.report.add("MF1002", place, "found a tab, expected spaces", "YAML indents with spaces only.")
        else:
            words = f" ({context})" if context else ""
            self.report.add("MF1001", place, f"this is not YAML: {problem}{words}")
        raise _Stop

    def _at(self, mark: StringMark) -> Place:
        return Place(file=self.file, line=mark.line + 1, column=mark.column + 1)

    def _offset(self, offset: int) -> Place:
        before = self.text[:offset]
        return Place(file=self.file, line=before.count("\n") + 1, column=offset - before.rfind("\n"))

    def _document(self, event: DocumentStartEvent) -> None:
        self.documents += 1
        place = self._at(event.start_mark)
        if self.documents > 1:
            self.report.add("MF1010", place, "found a second document, expected one workflow in a file")
            raise _Stop
        if event.version and tuple(event.version) != (1, 2):
            version = ".".join(map(str, event.version))
            self.report.add(
                "MF1014", place, f"found YAML {version}, expected YAML 1.2", "Drop the `%YAML` line."
            )

    def _open(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        place = self._at(event.start_mark)
        self._refuse_tag(event, place)
        if len(self.frames) >= DEEPEST:
            self._too_deep(place)
        self.frames.append(_Frame(place, event.anchor, isinstance(event, MappingStartEvent)))
        if event.anchor:
            self.open_anchors.add(event.anchor)
            self.anchors.pop(event.anchor, None)

    def _close(self) -> None:
        frame = self.frames.pop()
        size = 1 + sum(item.size for item in frame.items)
        depth = 1 + max((item.depth for item in frame.items), default=0)
        node: Node
        if frame.is_mapping:
            node = Mapping(frame.place, self._entries(frame.items), size, depth)
        else:
            node = Sequence(frame.place, tuple(frame.items), size, depth)
        if frame.anchor:
            self.open_anchors.discard(frame.anchor)
        self._place(node, frame.anchor, counted=True)

    def _place(self, node: Node, anchor: str | None, *, counted: bool = False) -> None:
        """Hand a finished value to what contains it. A list's or mapping's parts are `counted` already."""
        self.values += 1 if counted else node.size
        if self.values > MOST_VALUES:
            message = f"the file has more than {MOST_VALUES} values, aliases expanded"
            self.report.add("MF1007", node.place, message, "Keep data in files of its own.")
            raise _Stop
        if len(self.frames) + node.depth > DEEPEST:
            self._too_deep(node.place)
        if anchor:
            self.anchors[anchor] = node
        if self.frames:
            self.frames[-1].items.append(node)
        else:
            self.root = node

    def _too_deep(self, place: Place) -> None:
        self.report.add("MF1006", place, f"the file is nested more than {DEEPEST} levels deep")
        raise _Stop

    def _alias(self, event: AliasEvent) -> Node:
        place = self._at(event.start_mark)
        found = self.anchors.get(event.anchor)
        if found is not None:
            return found
        inside = event.anchor in self.open_anchors
        reason = "contains itself" if inside else "stands before its anchor, or the anchor is missing"
        self.report.add("MF1008", place, f"the alias `*{shorten(event.anchor)}` {reason}")
        return Broken(place)

    def _scalar(self, event: ScalarEvent) -> Node:
        place = self._at(event.start_mark)
        if self._refuse_tag(event, place):
            return Broken(place)
        raw = self.text[event.start_mark.index : event.end_mark.index]
        text: str = event.value
        if event.style is not None:
            return Scalar(place, text, raw)
        if text in _WORDS:
            return Scalar(place, _WORDS[text], raw)
        if _ODD_NUMBER.fullmatch(text):
            return self._odd_number(place, text)
        if _INTEGER.fullmatch(text):
            far = 2**63
            fits = len(text) <= len(str(far)) + 1 and -far <= int(text) < far
            return Scalar(place, int(text), raw) if fits else self._odd_number(place, text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            fits = abs(number) != float("inf")
            return Scalar(place, number, raw) if fits else self._odd_number(place, text)
        return Scalar(place, text, raw)

    def _odd_number(self, place: Place, text: str) -> Broken:
        message = f"found the number `{shorten(text)}`, which other programs read otherwise or not at all"
        self.report.add(
            "MF1012", place, message, "Put quotes around it if it is text; else write it plainly."
        )
        return Broken(place)

    def _refuse_tag(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent, place: Place) -> bool:
        if event.tag is None:
            return False
        message = f"found the tag `{shorten(str(event.tag))}`, expected a plain value"
        self.report.add("MF1004", place, message, "Remove the tag; quotes make a text of anything.")
        return True

    def _entries(self, items: list[Node]) -> tuple[Entry, ...]:
        found: dict[str, Entry] = {}
        for key, value in zip(items[::2], items[1::2], strict=True):
            if isinstance(key, Broken):
                continue
            if not isinstance(key, Scalar) or not isinstance(key.value, str):
                message = f"found {describe(key)} as a key, expected text"
                self.report.add("MF1009", key.place, message, 'Put quotes around the key, e.g. "1".')
            elif key.value == "<<" and key.raw == "<<":
                message = "found the merge key `<<`, expected the keys themselves"
                self.report.add("MF1013", key.place, message, "Write the keys out, or alias each value.")
            elif key.value in found:
                first = found[key.value].place
                message = f"the key `{shorten(key.value)}` is given twice; first in line {first.line}"
                self.report.add("MF1003", key.place, message, "Remove one of the two.")
            else:
                found[key.value] = Entry(key.value, key.place, value)
        return tuple(found.values())
