"""The figures of the labelled letters: what the rules catch, and what they send back wrongly."""

from tests.drafts.score import score
from tests.drafts.texts import HELD_OUT, LETTERS

MISSED = {
    "another name": ["Hi Catalina, we hope that Giant still turns on your player."],
    "invented discount": ["Hello Ann, we will knock a little off the price when you come."],
    "invented deadline": ["Hurry, Ben, your coffee will not wait much longer."],
    "other customer's value": ["Hello Ann, you have 45 credits."],
}
"""Untruths that no rule sees: one capitalised word, an offer and a deadline in other words, and a value that a
finding holds for somebody else."""

MISSED_OF_THE_HELD_OUT = {
    "changed date": ["Spoke and Chain has a slot on Friday at 14:30."],
    "another name": ["Hi Yuki! Your latest order was Genmaicha, and we hope you like it."],
    "invented discount": [
        "Hello Yuki, take two tins for the price of one.",
        "Hi Tomás, we will waive the fee for the next inspection.",
    ],
    "invented deadline": ["Tomás, only a few days are left to bring the bike in."],
    "unit swapped": ["Your latest order was 12.4 grams of Hojicha."],
    "total for single": ["Hello Tomás, your last repair cost you $286.40."],
}


def test_the_set_is_large_enough() -> None:
    """At least thirty honest letters, and thirty with an untruth, at least four of each kind."""
    kinds = [letter.kind for letter in LETTERS]
    honest = kinds.count("honest")

    assert (honest >= 30, len(kinds) - honest >= 30) == (True, True)
    assert all(kinds.count(kind) >= 4 for kind in set(kinds))


def test_what_is_missed_is_known() -> None:
    """Every planted untruth is caught but for those that are written down here."""
    found = [
        {kind: row.wrong for kind, row in score(letters).items() if kind != "honest" and row.wrong}
        for letters in (LETTERS, HELD_OUT)
    ]

    assert found == [MISSED, MISSED_OF_THE_HELD_OUT]


def test_honest_letters_pass() -> None:
    """One honest letter is sent back: it gives something away, and no finding says so."""
    assert [score(letters)["honest"].wrong for letters in (LETTERS, HELD_OUT)] == [
        ["Good evening Dee, one stamp is all that is missing. We play records all evening, free of charge."],
        [],
    ]
