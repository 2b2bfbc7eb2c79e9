from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mendflow.connectors.contract import JsonObject
from mendflow.verifier.drafts import MOST_REASONS, check_draft, check_findings
from pydantic import JsonValue

FINDINGS: list[JsonObject] = [
    {"subject": "purchases", "fact": "count", "value": 4, "source": "material.purchases"},
    {
        "subject": "purchases[0]",
        "fact": "date: 1997-01-18, amount_usd: 29.33",
        "value": {"date": "1997-01-18", "amount_usd": 29.33, "bill": "1234.5"},
        "source": "material.purchases[0]",
    },
    {"subject": "offer", "fact": "discount_percent", "value": 15, "source": "material.offer"},
    {"subject": "offer", "fact": "code", "value": "WELCOME10", "source": "material.code"},
    {"subject": "member", "fact": "email", "value": "Ann@Example.org", "source": "material.email"},
    {"subject": "member", "fact": "seen", "value": "2024-03-02T09:30:00Z", "source": "material.seen"},
    {"subject": "shop", "fact": "link", "value": "https://shop.example/a1", "source": "material.link"},
]


def _reasons(text: str, voice: JsonObject | None = None, inputs: JsonObject | None = None) -> tuple[str, ...]:
    return check_draft({"body": text}, FINDINGS, voice or {}, inputs or {})


def _unfounded(kind: str, token: str, near: str = "") -> tuple[str, ...]:
    return (f"The {kind} `{token}` in `body` stands in no finding; use only values of the findings{near}.",)


def _near(text: str, source: str) -> str:
    return f"; the nearest one is `{text}` (`{source}`)"


FOUR = _near("4", "material.purchases")
PAID = _near("29.33", "material.purchases[0]")
DAY = _near("1997-01-18", "material.purchases[0]")
OFFER = _near("15", "material.offer")


@pytest.mark.parametrize(
    "text",
    [
        "You came 4 times, four in all, on 18 January 1997.",
        "You paid $29.33, that is 29.330 or 29,33.",
        "1,234.50 and 1.234,50 and EUR 1234.5 are one amount.",
        "January 18, 1997; January 18th; Jan 18, in 1997; 18/01/1997; January 1997.",
        "15% off, fifteen for you, with WELCOME10!",
        "Write to ann@example.org or see https://shop.example/a1.",
        "At 9:30 on 2 March 2024.",
        "One day, someone may march on.",
        "The 4-times buyer, for the 4th time.",
    ],
)
def test_facts_of_the_findings_pass(text: str) -> None:
    """Facts may be written in the usual ways, as long as their value stands in a finding."""
    assert _reasons(text) == ()


@pytest.mark.parametrize(
    ("text", "kind", "token", "near"),
    [
        ("You came 5 times.", "number", "5", FOUR),
        ("You came five times.", "number", "five", FOUR),
        ("You came twenty-one times.", "number", "twenty-one", OFFER),
        ("You paid $29.34.", "number", "29.34", PAID),
        ("You paid -29.33.", "number", "-29.33", FOUR),
        ("Come on 1997-01-19.", "date", "1997-01-19", DAY),
        ("Come on 19 January 1997.", "date", "19 January 1997", DAY),
        ("Come on January 19.", "date", "January 19", DAY),
        ("Come back in 1998.", "year", "1998", DAY),
        ("Take 4% off.", "percentage", "4%", OFFER),
        ("Take 29.33 percent off.", "percentage", "29.33 percent", OFFER),
        ("Use WELCOME20.", "code", "WELCOME20", _near("WELCOME10", "material.code")),
        ("Use welcome10.", "code", "welcome10", ""),
        ("Win 5k now.", "code", "5k", ""),
        ("Customer 0004 is you.", "code", "0004", ""),
        (
            "See https://shop.example/b2.",
            "link",
            "https://shop.example/b2",
            _near("https://shop.example/a1", "material.link"),
        ),
        (
            "See shop.example/b2.",
            "link",
            "shop.example/b2",
            _near("https://shop.example/a1", "material.link"),
        ),
        (
            "See http://shop.example/a1.",
            "link",
            "http://shop.example/a1",
            _near("https://shop.example/a1", "material.link"),
        ),
        ("See records.com for more.", "link", "records.com", ""),
        (
            "See FTP://shop.example/a1.",
            "link",
            "FTP://shop.example/a1",
            _near("https://shop.example/a1", "material.link"),
        ),
        ("Come at 10:15.", "time", "10:15", ""),
        ("You came \uff15 times.", "number", "5", FOUR),
        ("You came 2\u200b9 times.", "number", "29", PAID),
    ],
)
def test_facts_from_nowhere_are_named(text: str, kind: str, token: str, near: str) -> None:
    """An invented fact is rejected; the reason names it, its field, and the nearest value of its kind."""
    assert _reasons(text) == _unfounded(kind, token, near)


def test_allowed_values_pass() -> None:
    """The voice's own list may be claimed too, with the unit that it gives."""
    voice: JsonObject = {"allowed": ["24 hours", "Record Fair", "{artist}"]}

    assert _reasons("Within 24 hours at the Record Fair: ask for {artist}.", voice) == ()
    assert _reasons("Within 24 days.", voice) == (
        "The number `24` in `body` is written in days, and `voice.allowed` gives it in hours; write what stands there.",
    )


def test_inputs_name_and_link_and_count_nothing() -> None:
    """A text given to the run may be named, linked and written to; its numbers are settings, and no source."""
    inputs: JsonObject = {
        "brand": "Record Fair",
        "link": "https://fair.example/x",
        "desk": "desk@fair.example",
        "people": ["eve@fair.example"],
        "size": 240,
        "since": "1998-02-01",
    }

    assert (
        _reasons("See the Record Fair at https://fair.example/x, or write to desk@fair.example.", {}, inputs)
        == ()
    )
    assert _reasons("Only 240 were sold.", {}, inputs) == _unfounded("number", "240", PAID)
    assert _reasons("Since 1 February 1998.", {}, inputs) == _unfounded("date", "1 February 1998", DAY)
    assert [reason[:50] for reason in _reasons("Ask eve@fair.example.", {}, inputs)] == [
        "The e-mail address `eve@fair.example` in `body` st"
    ]


def test_template_and_signature_are_no_source() -> None:
    """The literal text of a template is checked as any other text."""
    voice: JsonObject = {"template": "Within 24 hours", "signature": "Shop 24"}

    assert _reasons("Within 24 hours", voice) == _unfounded("number", "24", PAID)


def test_banned_words_are_whole_words() -> None:
    """A banned word is found whatever its case and spacing, and not inside other words."""
    voice: JsonObject = {"banned": ["cheap", "right  now"]}

    assert _reasons("Cheaper! Cheapest!", voice) == ()
    assert _reasons("CHEAP, and Right\nnow", voice) == (
        "The voice bans `cheap`, which stands in `body`; say it without.",
        "The voice bans `right  now`, which stands in `body`; say it without.",
    )


def test_length_is_bounded_by_the_voice() -> None:
    """A body over `max_chars` is sent back with both numbers."""
    assert _reasons("abc", {"max_chars": 3}) == ()
    assert _reasons("abcd", {"max_chars": 3}) == (
        "`body` has 4 characters, and the voice allows 3; write it shorter.",
    )


def test_every_field_that_a_reader_sees_is_checked() -> None:
    """Other text fields and numbers in a draft are claims; what it uses and the offline mark are not."""
    draft: JsonObject = {
        "subject": "Take 7",
        "body": "Hi",
        "more": {"lines": ["8"], "credits": 9},
        "uses": [0, "material.offer"],
        "offline": True,
    }

    assert check_draft(draft, FINDINGS, {}, {}) == (
        f"The number `7` in `subject` stands in no finding; use only values of the findings{FOUR}.",
        f"The number `8` in `more.lines.0` stands in no finding; use only values of the findings{FOUR}.",
        f"The number `9` in `more.credits` stands in no finding; use only values of the findings{FOUR}.",
    )


def test_uses_must_be_findings() -> None:
    """A draft cannot rest on findings that there are not."""
    draft: JsonObject = {"body": "Hi", "uses": [0, 7, True, "material.nothing"]}

    assert check_draft(draft, FINDINGS, {}, {}) == (
        "`uses` names `7`, which is neither a finding's position nor its source.",
        "`uses` names `True`, which is neither a finding's position nor its source.",
        "`uses` names `material.nothing`, which is neither a finding's position nor its source.",
    )


@pytest.mark.parametrize("draft", [None, "text", []])
def test_drafts_are_objects(draft: JsonValue) -> None:
    """Anything but an object is no draft."""
    assert check_draft(draft, FINDINGS, {}, {}) == (
        "The draft is not an object with text fields; write the fields that the schema names.",
    )


@pytest.mark.parametrize("draft", [{}, {"body": "  "}, {"body": None, "subject": "x"}, {"uses": ["x"]}])
def test_drafts_hold_text(draft: JsonObject) -> None:
    """A draft without text, or with an empty body, is sent back."""
    assert check_draft(draft, FINDINGS, {}, {}) == ("The draft holds no text; write its `body`.",)


def test_reasons_are_bounded() -> None:
    """A draft full of inventions gives a readable number of reasons."""
    reasons = _reasons(" ".join(str(number) for number in range(100, 120)))

    assert len(reasons) == MOST_REASONS + 1
    assert reasons[-1] == "8 further reasons are left out."


SCALARS = (
    st.integers(-(10**9), 10**9)
    | st.decimals(-(10**6), 10**6, places=2).map(float)
    | st.dates().map(str)
    | st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20))
    | st.uuids().map(str)
    | st.from_regex(r"[A-Z]{1,6}[0-9]{1,4}", fullmatch=True)
    | st.emails(domains=st.just("example.org")).filter(lambda mail: mail[0].isalnum())
    | st.text("abc de,.%$12-", max_size=12)
)


@settings(max_examples=300)
@given(values=st.lists(SCALARS, min_size=1, max_size=6), glue=st.sampled_from([" ", ", ", "\n", " - ", "; "]))
def test_a_draft_of_findings_passes(values: list[JsonValue], glue: str) -> None:
    """A draft made only of values of its findings is never rejected."""
    findings: list[JsonObject] = [{"subject": "s", "fact": "f", "value": v, "source": "x"} for v in values]
    texts = [v if isinstance(v, str) else format(Decimal(str(v)), "f") for v in values]
    assume(all(text == text.strip(" ,.-%$") for text in texts))

    assert check_draft({"body": f"Hello{glue}" + f"{glue}and{glue}".join(texts)}, findings, {}, {}) == ()


@settings(max_examples=300)
@given(
    values=st.lists(SCALARS, max_size=6),
    invented=st.integers(10**10, 10**14),
    written=st.sampled_from(["{}", "{:,}", "${}", "{}%", "{}.", "({})", "{} dollars", "x{}", "-{}"]),
)
def test_an_invented_number_is_always_caught(values: list[JsonValue], invented: int, written: str) -> None:
    """A number that stands in no finding is rejected, however it is written."""
    findings: list[JsonObject] = [{"subject": "s", "fact": "f", "value": v, "source": "x"} for v in values]
    texts = [str(v) for v in values if isinstance(v, int)]

    reasons = check_draft({"body": f"{' '.join(texts)} {written.format(invented)} now"}, findings, {}, {})

    assert len(reasons) == 1


@given(text=st.text(), value=st.text())
def test_the_check_is_total(text: str, value: str) -> None:
    """No text breaks the check."""
    reasons = check_draft({"body": text}, [{"fact": value, "value": value}], {"banned": [value]}, {})

    assert all(reason.endswith(".") for reason in reasons)


MATERIAL: JsonObject = {
    "purchases": [{"date": "1997-01-18", "amount_usd": "29.33", "quantity": 2}],
    "member": {"name": "Ann"},
    "lapsed": True,
}
READINGS: dict[str, JsonValue] = {"m[3]/brief.read[0]": {"balance": 7}}


def _check(value: JsonValue, source: str, fact: str = "fact") -> tuple[str, ...]:
    finding: JsonValue = {"subject": "s", "fact": fact, "value": value, "source": source}
    return check_findings({"findings": [finding]}, MATERIAL, READINGS)


@pytest.mark.parametrize(
    ("value", "source", "fact"),
    [
        ("29.33", "material.purchases[0].amount_usd", "amount"),
        (29.33, "purchases[0].amount_usd", "paid 29.33 for 2 on 18 January 1997"),
        (1, "material.purchases", "count of 1"),
        ({"date": "1997-01-18"}, "material.purchases[0]", "date 1997-01-18"),
        ("Ann", "material.member.name", "name"),
        (True, "material.lapsed", "lapsed"),
        (7, "m[3]/brief.read[0].balance", "balance"),
        ({"balance": 7}, "m[3]/brief.read[0]", "balance 7"),
    ],
)
def test_findings_that_stand_pass(value: JsonValue, source: str, fact: str) -> None:
    """A finding passes whose value is at its source, and whose wording claims nothing else."""
    assert _check(value, source, fact) == ()


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ("29.34", "material.purchases[0].amount_usd"),
        (2, "material.purchases"),
        (1, "material.lapsed"),
        ({"date": "1997-01-19"}, "material.purchases[0]"),
        ({"colour": "red"}, "material.purchases[0]"),
        (8, "m[3]/brief.read[0].balance"),
    ],
)
def test_other_values_than_at_the_source_are_rejected(value: JsonValue, source: str) -> None:
    """A finding may not change the value that it cites."""
    assert _check(value, source) == (
        f"`findings[0]` gives `{source}` another value than stands there; copy the value as it is.",
    )


@pytest.mark.parametrize(
    "source",
    ["", "material", "material.", "material.none", "purchases[1]", "m[3]/brief.read[1].balance", "m[3]"],
)
def test_invented_sources_are_rejected(source: str) -> None:
    """A finding may not cite what is not there."""
    assert _check(1, source) == (
        f"`findings[0]` names the source `{source}`, which is not in the material or the readings.",
    )


def test_wording_may_not_add_facts() -> None:
    """A true value cannot carry an invented number in its wording."""
    assert _check("29.33", "material.purchases[0].amount_usd", "29.33 of 500") == (
        "The number `500` in the fact of `findings[0]` does not stand at `material.purchases[0].amount_usd`.",
    )


def test_shape_of_findings_is_checked() -> None:
    """An answer without findings, or with broken ones, is sent back."""
    assert check_findings({"findings": []}, {}, {}) == ()
    assert check_findings(None, {}, {}) == (
        "The answer has no list `findings`; answer with findings, or with an empty list of them.",
    )
    assert check_findings({"findings": [3, {"fact": "x", "source": "y"}]}, {}, {}) == (
        "`findings[0]` is not an object with `subject`, `fact`, `value` and `source`.",
        "`findings[1]` lacks `fact`, `value` or `source`.",
    )
