"""The rules that a `verify` step may state of a draft, as data, and their check: length, words, links, schema. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, assert_never
from urllib.parse import urlsplit

import jsonschema_rs
from pydantic import Field, JsonValue

from ..connectors.contract import Frozen, JsonObject
from .claims import read_claims
from .drafts import spoken_texts
from .text import fold, plain_words, shortened

MOST_FLAWS = 5
"""Of a schema, so many are told at once."""
SHORTENERS = frozenset(
    {
        "bit.ly",
        "t.co",
        "goo.gl",
        "tinyurl.com",
        "ow.ly",
        "is.gd",
        "buff.ly",
        "rebrand.ly",
        "cutt.ly",
        "t.ly",
        "tiny.cc",
    }
)
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")


class Span(Frozen):
    """Least and most of something; None where there is no bound."""

    least: int | None = None
    most: int | None = None


class LengthRule(Frozen):
    """How long one field may be."""

    kind: Literal["length"] = "length"
    field: str = "body"
    characters: Span = Span()
    words: Span = Span()


class RequireRule(Frozen):
    """Texts of which each must stand in the draft, or in one of its fields, as whole words, in any case."""

    kind: Literal["require"] = "require"
    field: str = ""
    texts: tuple[str, ...]


class ForbidRule(Frozen):
    """Texts of which none may stand in the draft, or in one of its fields, as whole words, in any case."""

    kind: Literal["forbid"] = "forbid"
    field: str = ""
    texts: tuple[str, ...]


class LinksRule(Frozen):
    """Where links may lead: over https, to one of these hosts or below it, and through no shortener but one named."""

    kind: Literal["links"] = "links"
    field: str = ""
    hosts: tuple[str, ...]


class SchemaRule(Frozen):
    """A JSON Schema that the whole draft must fit."""

    kind: Literal["schema"] = "schema"
    field: str = ""
    file: str
    document: JsonObject = {}


DraftRule = Annotated[
    LengthRule | RequireRule | ForbidRule | LinksRule | SchemaRule, Field(discriminator="kind")
]


def apply_rule(rule: DraftRule, draft: JsonValue) -> tuple[str, ...]:
    """Return how a draft breaks a rule, one sentence each: what was found, and what was expected."""
    if not isinstance(draft, dict):
        return ("the draft is not an object; write the fields that its schema names",)
    if isinstance(rule, SchemaRule):
        return tuple(_unfit(rule, draft))
    texts = [
        (name, text) for name, text in spoken_texts(draft) if not rule.field or _is_within(name, rule.field)
    ]
    match rule:
        case LengthRule():
            return tuple(_misfit(rule, "\n".join(text for _, text in texts)))
        case RequireRule():
            return tuple(_lacking(rule, texts))
        case ForbidRule():
            return tuple(_forbidden(rule, texts))
        case LinksRule():
            return tuple(_astray(rule, texts))
        case other:
            assert_never(other)


def is_host(text: str) -> bool:
    """Return whether a text is the name of a host, without scheme, port and path."""
    return bool(re.fullmatch(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", text))


def _is_within(name: str, field: str) -> bool:
    return name == field or name.startswith(f"{field}.")


def _misfit(rule: LengthRule, text: str) -> Iterator[str]:
    for what, span, found in (
        ("characters", rule.characters, len(text)),
        ("words", rule.words, len(_WORD.findall(text))),
    ):
        if span.most is not None and found > span.most:
            yield f"`{rule.field}` has {found} {what}, expected at most {span.most}; write it shorter"
        if span.least is not None and found < span.least:
            yield f"`{rule.field}` has {found} {what}, expected at least {span.least}; say more"


def _lacking(rule: RequireRule, texts: Sequence[tuple[str, str]]) -> Iterator[str]:
    place = f"`{rule.field}`" if rule.field else "any field"
    held = [plain_words(text) for _, text in texts]
    for wanted in rule.texts:
        if not any(plain_words(wanted) in text for text in held):
            yield f"`{wanted}` was not found in {place}, expected it there; write it as it stands here"


def _forbidden(rule: ForbidRule, texts: Sequence[tuple[str, str]]) -> Iterator[str]:
    for name, text in texts:
        held = plain_words(text)
        for banned in rule.texts:
            if plain_words(banned) in held:
                yield f"`{banned}` was found in `{name}`, expected a text without it; say it in other words"


def _astray(rule: LinksRule, texts: Sequence[tuple[str, str]]) -> Iterator[str]:
    for name, text in texts:
        for claim in read_claims(fold(text)):
            if claim.kind != "link":
                continue
            flaw = _flaw_of_link(claim.text, rule.hosts)
            if flaw:
                yield f"the link `{shortened(claim.text)}` in `{name}` {flaw}"


def _flaw_of_link(link: str, hosts: Sequence[str]) -> str:
    try:
        parts = urlsplit(link if "://" in link else f"https://{link}")
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return "cannot be read, expected an https address"
    if parts.scheme != "https":
        return "is not https; write the https address"
    if "@" in parts.netloc:
        return "has a user's name before its host; leave that out"
    if any(host == known or host.endswith(f".{known}") for known in hosts):
        return ""
    if host in SHORTENERS:
        return "hides where it leads; write the address that it stands for"
    return f"leads to `{shortened(host)}`, expected {' or '.join(f'`{known}`' for known in hosts)}"


def _unfit(rule: SchemaRule, draft: JsonObject) -> Iterator[str]:
    own = {name: value for name, value in draft.items() if name != "offline"}
    flaws = jsonschema_rs.iter_errors(rule.document, own)
    for flaw, _ in zip(flaws, range(MOST_FLAWS), strict=False):
        place = ".".join(str(part) for part in flaw.instance_path) or "the draft"
        yield f"`{place}` does not fit `{rule.file}`: {shortened(flaw.message)}"
