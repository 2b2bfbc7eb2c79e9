"""Drafts and findings under deterministic rules: nothing is claimed that stands nowhere. Pure.

A draft may claim what its findings hold, what its step was told to allow, and nothing else; the words of a
template are no source. A finding must stand, with its value, where it says it does.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from pydantic import JsonValue

from ..connectors.contract import JsonObject
from .claims import Key, keys_of, read_claims
from .grounding import Ungrounded, are_marks, check_marks, explain, read_text
from .grounds import Grounds, grounds_of
from .text import LONGEST_NAME, scalars, shortened
from .units import is_percentage

ABOUT_THE_DRAFT = frozenset({"uses", "facts", "offline"})
"""Fields that speak of the draft, not to its reader."""
MOST_REASONS = 12
"""A reader who gets more than this learns no more; the last reason says how many were left out."""


def check_draft(
    draft: JsonValue, findings: Sequence[JsonObject], voice: JsonObject, inputs: JsonObject
) -> tuple[str, ...]:
    """Return why a draft is rejected, one sentence each; empty when it passes.

    `voice` may hold `banned` (words), `allowed` (texts that may be claimed, and left as they are) and `max_chars`.
    An input of the run that is a text may be named, linked and written to; its numbers allow nothing.
    """
    if not isinstance(draft, dict):
        return ("The draft is not an object with text fields; write the fields that the schema names.",)
    spoken = spoken_texts(draft)
    if not any(text.strip() for _, text in spoken) or _is_blank(draft.get("body", "-")):
        return ("The draft holds no text; write its `body`.",)
    grounds = grounds_of(findings, voice, inputs)
    reasons: list[str | Ungrounded] = [
        *_unknown_uses(draft.get("uses"), findings),
        *check_marks(draft.get("facts"), [text for _, text in spoken], findings),
        *(reason for name, text in spoken for reason in read_text(name, text, grounds)),
        *(reason for name, text in spoken for reason in _banned(name, text, voice.get("banned"))),
        *_too_long(spoken, voice.get("max_chars")),
    ]
    return _bounded(reasons, grounds)


def spoken_texts(draft: JsonObject) -> list[tuple[str, str]]:
    """Return the texts that a draft's reader sees, each with its dotted field; what speaks of the draft is left out."""
    return [
        (shortened(path, LONGEST_NAME), text)
        for field, value in draft.items()
        if not _is_about_the_draft(field, value)
        for path, _, text in scalars(value, field)
    ]


def _is_about_the_draft(field: str, value: JsonValue) -> bool:
    """Return whether a field holds what its name says; one that holds something else is read as any other."""
    match field:
        case "uses":
            return isinstance(value, list) and all(isinstance(use, int | str) for use in value)
        case "facts":
            return are_marks(value)
        case "offline":
            return isinstance(value, bool)
        case _:
            return False


def check_findings(
    output: JsonValue, material: JsonObject, readings: Mapping[str, JsonValue]
) -> tuple[str, ...]:
    """Return why a researcher's output is rejected; empty when each finding stands where it says.

    `readings` maps the source key of each reading to its output.
    """
    findings = output.get("findings") if isinstance(output, dict) else None
    if not isinstance(findings, list):
        return ("The answer has no list `findings`; answer with findings, or with an empty list of them.",)
    reasons: list[str] = []
    for index, finding in enumerate(findings):
        reasons += _misfounded(f"findings[{index}]", finding, material, readings)
    return _bounded(reasons, Grounds())


def _bounded(reasons: Sequence[str | Ungrounded], grounds: Grounds) -> tuple[str, ...]:
    unique = tuple(dict.fromkeys(reasons))
    said = tuple(one if isinstance(one, str) else explain(one, grounds) for one in unique[:MOST_REASONS])
    if len(unique) <= MOST_REASONS:
        return said
    return (*said, f"{len(unique) - MOST_REASONS} further reasons are left out.")


def _is_blank(value: JsonValue) -> bool:
    return not isinstance(value, str) or not value.strip()


def _keys(value: JsonValue, name: str = "") -> frozenset[Key]:
    return frozenset(
        key for _, field, text in scalars(value, name) for key in keys_of(text, percent=is_percentage(field))
    )


def _banned(name: str, text: str, banned: JsonValue) -> Iterator[str]:
    plain = " ".join(text.casefold().split())
    for word in banned if isinstance(banned, list) else []:
        wanted = " ".join(word.casefold().split()) if isinstance(word, str) else ""
        if wanted and re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", plain):
            yield f"The voice bans `{word}`, which stands in `{name}`; say it without."


def _too_long(texts: list[tuple[str, str]], most: JsonValue) -> Iterator[str]:
    if isinstance(most, bool) or not isinstance(most, int):
        return
    body = [(name, text) for name, text in texts if name == "body"]
    name, text = body[0] if body else max(texts, key=lambda entry: len(entry[1]))
    if len(text) > most:
        yield f"`{name}` has {len(text)} characters, and the voice allows {most}; write it shorter."


def _unknown_uses(uses: JsonValue, findings: Sequence[JsonObject]) -> Iterator[str]:
    sources = {finding.get("source") for finding in findings if isinstance(finding.get("source"), str)}
    for use in uses if isinstance(uses, list) else []:
        is_position = isinstance(use, int) and not isinstance(use, bool) and 0 <= use < len(findings)
        if not is_position and not (isinstance(use, str) and use in sources):
            yield f"`uses` names `{shortened(str(use))}`, which is neither a finding's position nor its source."


def _misfounded(
    place: str, finding: JsonValue, material: JsonObject, readings: Mapping[str, JsonValue]
) -> Iterator[str]:
    if not isinstance(finding, dict):
        yield f"`{place}` is not an object with `subject`, `fact`, `value` and `source`."
        return
    source, fact, value = finding.get("source"), finding.get("fact"), finding.get("value")
    if not isinstance(source, str) or not isinstance(fact, str) or "value" not in finding:
        yield f"`{place}` lacks `fact`, `value` or `source`."
        return
    nodes = [*_at_source(source, material, readings)]
    if not nodes:
        yield f"`{place}` names the source `{source}`, which is not in the material or the readings."
        return
    standing = [(node, around) for node, around in nodes if _stands(value, node)]
    if not standing:
        yield f"`{place}` gives `{source}` another value than stands there; copy the value as it is."
        return
    if source.endswith(f".{fact}"):  # the names on the way to the value; `0.1` of them is no number
        return
    named = frozenset(key for name in (source, *re.split(r"[.\[\]]", source)) for key in keys_of(name))
    allowed = frozenset(key for node, around in standing for key in _context(node, around)) | named
    for claim in read_claims(fact):
        if not claim.readings & allowed:
            yield f"The {claim.kind} `{claim.text}` in the fact of `{place}` does not stand at `{source}`."


def _context(node: JsonValue, around: JsonValue) -> frozenset[Key]:
    """Return what the wording of a finding may claim: its value, its row, the length of its list."""
    names = [name for part in (node, around) if isinstance(part, dict) for name in part]
    length = keys_of(str(len(node))) if isinstance(node, list) else frozenset()
    return _keys(node) | _keys(around) | length | frozenset(key for name in names for key in keys_of(name))


def _at_source(
    source: str, material: JsonObject, readings: Mapping[str, JsonValue]
) -> Iterator[tuple[JsonValue, JsonValue]]:
    """Return each value that a path may mean, with the row or object it stands in."""
    for key, output in readings.items():
        if source.startswith(key):
            yield from _at(output, source[len(key) :], None)
    if source.startswith("material."):
        yield from _at(material, source.removeprefix("material"), None, is_root=True)
    yield from _at(material, f".{source}", None, is_root=True)


def _at(
    node: JsonValue, path: str, around: JsonValue, *, is_root: bool = False
) -> Iterator[tuple[JsonValue, JsonValue]]:
    if not path and not is_root:
        yield node, around
    elif isinstance(node, dict) and path.startswith("."):
        for name, entry in node.items():
            rest = path[1 + len(name) :]
            if path[1:].startswith(name) and rest[:1] in ("", ".", "["):
                yield from _at(entry, rest, None if is_root else node)
    elif isinstance(node, list) and (place := re.match(r"\[(\d{1,9})\]", path)):
        index = int(place[1])
        if index < len(node):
            yield from _at(node[index], path[place.end() :], None)


def _stands(value: JsonValue, node: JsonValue) -> bool:
    if isinstance(node, list) and isinstance(value, int) and not isinstance(value, bool):
        return value == len(node)
    if isinstance(value, dict) and isinstance(node, dict):
        return bool(value) <= bool(node) and all(
            name in node and _stands(entry, node[name]) for name, entry in value.items()
        )
    if isinstance(value, list) and isinstance(node, list):
        return len(value) == len(node) and all(
            _stands(mine, theirs) for mine, theirs in zip(value, node, strict=True)
        )
    if isinstance(value, bool) or isinstance(node, bool):
        return value is node
    return value == node or (_decimal(value) is not None and _decimal(value) == _decimal(node))


def _decimal(value: JsonValue) -> Decimal | None:
    if isinstance(value, int | float) or (isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value)):
        try:
            return Decimal(str(value))
        except InvalidOperation:
            return None
    return None
