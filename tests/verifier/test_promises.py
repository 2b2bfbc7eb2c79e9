"""Offers and deadlines that need no number."""

import pytest
from mendflow.verifier.promises import offer_stands, read_promises


def _promises(text: str) -> list[tuple[str, str]]:
    return [(claim.kind, claim.text) for claim in read_promises(text)]


@pytest.mark.parametrize(
    ("text", "promises"),
    [
        ("Your coffee is free.", [("offer", "free")]),
        ("A gift waits for you.", [("offer", "gift")]),
        ("All at half price, with a discount.", [("offer", "discount"), ("offer", "half price")]),
        ("Buy one, get one.", [("offer", "Buy one, get one")]),
        ("Here is a coupon.", [("offer", "coupon")]),
        ("Come for double points.", [("offer", "double points")]),
        ("With a money-back promise.", [("offer", "money-back")]),
        ("You won a prize.", [("offer", "You won"), ("offer", "prize")]),
        ("It ends on Sunday.", [("deadline", "ends on Sunday")]),
        ("Order by the end of the month.", [("deadline", "by the end of the month")]),
        ("Only today, this week only.", [("deadline", "Only today"), ("deadline", "this week only")]),
        ("Your last chance.", [("deadline", "last chance")]),
        ("Feel free to come by today, you are free to choose.", []),
        ("Enjoy your free time and the gift of music, sugar-free.", []),
        ("Stop by tomorrow; we have records for sale.", []),
    ],
)
def test_promises_are_read(text: str, promises: list[tuple[str, str]]) -> None:
    """What is promised is read, and what is only said alike is not."""
    assert _promises(text) == promises


def test_an_offer_stands_on_a_finding_of_its_kind() -> None:
    """A finding that speaks of a discount allows to speak of one, and of nothing else."""
    held = " offer \n discount percent \n 15 "

    assert [offer_stands(name, held) for name in ("discount", "free", "half price")] == [True, False, False]
