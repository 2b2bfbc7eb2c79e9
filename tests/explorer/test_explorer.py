from collections import Counter
from functools import cache

import pytest

from tests.explorer.case import Case
from tests.explorer.cases import LARGE, SMALL
from tests.explorer.coverage import demanded
from tests.explorer.search import Findings, Search
from tests.explorer.twins import TWINS, Twin


@cache
def searched(case: Case) -> Findings:
    """Search a case once for all tests."""
    return Search(case).run()


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_the_shipped_protocol_keeps_its_promises(case: Case) -> None:
    """In every state that can be reached, and every path ends."""
    assert searched(case).traces == {}


def test_everything_was_taken() -> None:
    """Each transition of the machine, each standing, verdict, remedy, fault and claim, within the small bounds."""
    taken: Counter[str] = Counter()
    for case in SMALL:
        taken.update(searched(case).taken)
    assert demanded() - {one for one, count in taken.items() if count} == frozenset()


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.name)
def test_a_naive_design_is_seen_to_do_harm(twin: Twin) -> None:
    """One rule that is wrong, and the search finds what it breaks."""
    assert twin.harm in Search(twin.case, twin.rules).run(until=twin.harm).traces


def test_a_flaw_is_told_as_a_shortest_story() -> None:
    """Step by step, in words."""
    twin = next(one for one in TWINS if one.name == "a crash counts as not sent")
    assert Search(twin.case, twin.rules).run(until=twin.harm).traces[twin.harm] == [
        "worker 0 takes up run 0",
        "worker 0 claims the slot: mine; the effect is `intent`",
        "worker 0 sends the call",
        "the request of run 0 takes place at the vendor",
        "worker 0 is killed",
        "worker 0 takes up run 0",
        "a tick passes",
        "worker 0 claims the slot: mine; the effect is `intent`",
        "worker 0 sends the call",
        "the request of run 0 takes place at the vendor",
    ]


def test_cases_have_names_of_their_own() -> None:
    """So that a report can be read."""
    for cases in (SMALL, LARGE):
        assert len({case.name for case in cases}) == len(cases)
