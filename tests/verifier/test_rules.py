"""The declared rules of a `verify` step, and what they say when they are broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.contract import JsonObject
from mendflow.verifier.rules import (
    DraftRule,
    ForbidRule,
    LengthRule,
    LinksRule,
    RequireRule,
    SchemaRule,
    Span,
    apply_rule,
    is_host,
)
from pydantic import JsonValue

DRAFT: JsonObject = {
    "subject": "News",
    "body": "Hello Ann, it's a new day. See https://shop.example/a, or HTTP://www.shop.example/b.",
    "more": {"lines": ["Your record shop", "bit.ly/x1"]},
    "uses": ["material.forbidden"],
    "offline": True,
}
SCHEMA: JsonObject = {
    "type": "object",
    "required": ["title"],
    "properties": {"subject": {"maxLength": 3}},
    "unevaluatedProperties": True,
}


@pytest.mark.parametrize(
    ("rule", "reasons"),
    [
        (LengthRule(characters=Span(least=10, most=200), words=Span(most=20)), ()),
        (
            LengthRule(characters=Span(most=20), words=Span(least=30)),
            (
                "`body` has 84 characters, expected at most 20; write it shorter",
                "`body` has 17 words, expected at least 30; say more",
            ),
        ),
        (
            LengthRule(field="more.lines", words=Span(most=3)),
            ("`more.lines` has 6 words, expected at most 3; write it shorter",),
        ),
        (
            LengthRule(field="none", words=Span(least=1)),
            ("`none` has 0 words, expected at least 1; say more",),
        ),
        (RequireRule(texts=("your  RECORD shop", "it's")), ()),
        (
            RequireRule(field="body", texts=("Your record shop",)),
            ("`Your record shop` was not found in `body`, expected it there; write it as it stands here",),
        ),
        (
            RequireRule(texts=("recor",)),
            ("`recor` was not found in any field, expected it there; write it as it stands here",),
        ),
        (ForbidRule(texts=("forbidden", "new da")), ()),
        (
            ForbidRule(texts=("NEWS", "new day")),
            (
                "`NEWS` was found in `subject`, expected a text without it; say it in other words",
                "`new day` was found in `body`, expected a text without it; say it in other words",
            ),
        ),
        (ForbidRule(field="body", texts=("news",)), ()),
        (
            LinksRule(hosts=("shop.example",)),
            (
                "the link `HTTP://www.shop.example/b` in `body` is not https; write the https address",
                "the link `bit.ly/x1` in `more.lines.1` hides where it leads; write the address that it stands for",
            ),
        ),
        (LinksRule(field="more", hosts=("bit.ly",)), ()),
        (LinksRule(field="subject", hosts=("shop.example",)), ()),
        (
            SchemaRule(file="letter.json", document=SCHEMA),
            (
                '`subject` does not fit `letter.json`: "News" is longer than 3 characters',
                '`the draft` does not fit `letter.json`: "title" is a required property',
            ),
        ),
    ],
)
def test_a_broken_rule_says_what_was_found_and_expected(rule: DraftRule, reasons: tuple[str, ...]) -> None:
    """Each reason names the field, what stands there, and what the rule wants."""
    assert sorted(apply_rule(rule, DRAFT)) == sorted(reasons)


@pytest.mark.parametrize(
    ("link", "flaw"),
    [
        ("https://shop.example", ""),
        ("https://a.b.shop.example/x?y=1", ""),
        ("https://evilshop.example/x", "leads to `evilshop.example`, expected `shop.example`"),
        ("https://shop.example.evil.com/x", "leads to `shop.example.evil.com`, expected `shop.example`"),
        ("https://shop.example@evil.com/x", "has a user's name before its host; leave that out"),
        ("https://[x/y", "cannot be read, expected an https address"),
        ("http://shop.example/x", "is not https; write the https address"),
    ],
)
def test_links_lead_only_to_allowed_hosts(link: str, flaw: str) -> None:
    """A host is the one named or one below it, never one that only looks like it."""
    said = apply_rule(LinksRule(hosts=("shop.example",)), {"body": f"See {link} now"})

    assert said == ((f"the link `{link}` in `body` {flaw}",) if flaw else ())


@pytest.mark.parametrize("draft", [None, "text", [], 5])
def test_only_objects_are_drafts(draft: JsonValue) -> None:
    """Anything else breaks every rule."""
    assert apply_rule(ForbidRule(texts=("x",)), draft) == (
        "the draft is not an object; write the fields that its schema names",
    )


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("shop.example", True),
        ("a-b.shop.example", True),
        ("https://x.y", False),
        ("shop", False),
        ("-a.b", False),
    ],
)
def test_hosts_have_one_form(text: str, *, known: bool) -> None:
    """A host is a name with a dot, without scheme, port or path."""
    assert is_host(text) is known


RULES: tuple[DraftRule, ...] = (
    LengthRule(characters=Span(most=5)),
    RequireRule(texts=("a",)),
    ForbidRule(texts=("a",)),
    LinksRule(hosts=("a.b",)),
    SchemaRule(file="f", document={"type": "object", "additionalProperties": {"type": "string"}}),
)


@given(
    rule=st.sampled_from(RULES),
    draft=st.dictionaries(st.text(max_size=5), st.text(max_size=30) | st.integers() | st.none(), max_size=4),
)
def test_rules_are_total(rule: DraftRule, draft: JsonObject) -> None:
    """No draft breaks a rule's check, which says the same each time."""
    assert apply_rule(rule, draft) == apply_rule(rule, draft)
