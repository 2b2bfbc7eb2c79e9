"""A text held to its grounds: every number, date, code, address, name, offer and deadline in it. Pure.

What stands in no finding is named back with its exact text, its field and the nearest value of its kind.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from ..connectors.contract import JsonObject
from .claims import Claim, read_claims
from .grounds import Ground, Grounds, ground_of_one
from .leftovers import read_leftovers
from .names import read_names, read_signers
from .promises import offer_stands, read_promises
from .text import LONGEST_PIECE, fold, is_too_long, pieces, shortened
from .units import agree, in_unit

PERSONAL = frozenset({"phone number", "bank account", "card number", "e-mail address"})


@dataclass(frozen=True, slots=True)
class Ungrounded:
    """A claim that nothing allows, and where it stands."""

    field: str
    claim: Claim


def read_text(name: str, text: str, grounds: Grounds) -> Iterator[str | Ungrounded]:
    """Return what is wrong with the text of one field: what was left in it, and what has no ground."""
    folded = fold(text)
    for piece in pieces(folded):
        if is_too_long(piece):
            yield (
                f"`{name}` runs on for {len(piece)} characters without the end of a sentence; "
                f"end one after at most {LONGEST_PIECE}."
            )
            continue
        yield from _left(name, piece, grounds)
        for claim in (*read_claims(piece), *read_names(piece), *read_promises(piece)):
            if not stands(claim, grounds):
                yield Ungrounded(name, claim)
    for claim in read_signers(folded):
        if not stands(claim, grounds):
            yield Ungrounded(name, claim)


def stands(claim: Claim, grounds: Grounds) -> bool:
    """Return whether a claim has a ground that says the same of it."""
    for kind, value in claim.readings:
        match kind:
            case "name":
                return grounds.name_stands(claim.text)
            case "offer":
                return offer_stands(str(value), grounds.words)
            case "deadline":
                return grounds.phrase_stands(str(value)) or grounds.ends_on(str(value))
            case _ if any(_fits(claim, ground) for ground in grounds.values.get((kind, value), ())):
                return True
    return False


def explain(ungrounded: Ungrounded, grounds: Grounds) -> str:
    """Say what was found and what was expected, with the nearest ground where one is near in kind."""
    claim = ungrounded.claim
    found = f"The {claim.kind} `{shortened(claim.text)}` in `{ungrounded.field}`"
    meant = [one for key in claim.readings for one in grounds.values.get(key, ())]
    if meant:
        return f"{found} {_misused(claim, meant[0])}"
    if claim.kind in ("offer", "deadline"):
        return f"{found} stands in no finding; promise nothing that no finding holds."
    expected = "use only values of the findings"
    if claim.kind in PERSONAL:
        expected = "write only to what the findings or inputs name, and leave other people's out"
    near = grounds.nearest(claim)
    return f"{found} stands in no finding; {expected}{_nearest(near)}."


def are_marks(value: JsonValue) -> bool:
    """Return whether the field `facts` of a draft marks its claims, rather than being a text of its own."""
    return isinstance(value, list) and all(
        isinstance(entry, dict) and set(entry) == {"text", "source"} for entry in value
    )


def check_marks(marks: JsonValue, texts: Sequence[str], findings: Sequence[JsonObject]) -> Iterator[str]:
    """Return what is wrong with the claims that a draft marks as facts: each must stand at the source it names.

    A mark is `{text, source}`: words of the draft, and the source of the one finding that they rest on.
    """
    if not isinstance(marks, list) or not are_marks(marks):
        return
    whole = [" ".join(fold(text).split()) for text in texts]
    for index, mark in enumerate(marks):
        text, source = (mark["text"], mark["source"]) if isinstance(mark, dict) else (None, None)
        if not isinstance(text, str) or not isinstance(source, str):
            yield f"`facts[{index}]` is not an object of two texts, `text` and `source`."
            continue
        sources = [finding for finding in findings if finding.get("source") == source]
        if not any(" ".join(fold(text).split()) in one for one in whole):
            yield f"`facts[{index}]` marks `{shortened(text)}`, and the draft does not say that; copy its words."
        elif not sources:
            yield f"`facts[{index}]` names the source `{shortened(source)}`, which no finding has."
        else:
            yield from _mismarked(index, text, sources[0])


def _mismarked(index: int, text: str, finding: JsonObject) -> Iterator[str]:
    grounds = ground_of_one(finding)
    for reason in read_text("text", text, grounds):
        if isinstance(reason, Ungrounded):
            claim = reason.claim
            yield (
                f"`facts[{index}]` marks the {claim.kind} `{shortened(claim.text)}` as a fact of "
                f"`{finding.get('source')}`, which does not hold it; name the source that does."
            )


def _left(name: str, piece: str, grounds: Grounds) -> Iterator[str]:
    for left in read_leftovers(piece):
        if not any(left in text for text in grounds.quoted):
            yield f"`{name}` still holds the placeholder `{shortened(left)}`; write what belongs there."


def _fits(claim: Claim, ground: Ground) -> bool:
    if not agree(claim.unit, ground.unit):
        return False
    return not (claim.scope and ground.scope) or claim.scope == ground.scope


def _misused(claim: Claim, ground: Ground) -> str:
    where = f"`{shortened(ground.source)}`"
    if not agree(claim.unit, ground.unit):
        said, known = in_unit(claim.unit), in_unit(ground.unit)
        return f"is written {said}, and {where} gives it {known}; write what stands there."
    said, known = ("one of several", "a total") if claim.scope == "single" else ("a total", "one of several")
    return f"is written as {said}, and {where} gives it as {known}; write what stands there."


def _nearest(near: Ground | None) -> str:
    if near is None:
        return ""
    place = f" (`{shortened(near.source)}`)" if re.search(r"\S", near.source) else ""
    return f"; the nearest one is `{shortened(near.text)}`{place}"
