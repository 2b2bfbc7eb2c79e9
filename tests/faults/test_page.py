"""The page about healing says what the table says."""

import re
from typing import get_args

import pytest
from mendflow.connectors.sandbox.faults import FaultKind

from tests.faults.models import MODELS
from tests.faults.page import PAGE, with_table
from tests.faults.table import FORMS


def test_the_page_is_made_from_the_table() -> None:
    """`docs/healing.md` is what `make faults` writes, and names every row."""
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page) == page
    names = [form.name for form in FORMS] + [form.name for form in MODELS]
    assert [name for name in names if f"| `{name}` |" not in page] == []


def test_the_page_lists_what_can_be_ordered() -> None:
    """Each kind of the sandbox's faults stands in the table, and no other one does."""
    part = PAGE.read_text(encoding="utf-8").partition("### Faults on order\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ")[0] for line in part.splitlines() if line.startswith("| `")]
    assert sorted(word for row in rows for word in re.findall(r"`(\w+)`", row)) == sorted(get_args(FaultKind))


def test_a_page_without_a_place_for_the_table_is_refused() -> None:
    """Nothing is written where the marks are missing."""
    with pytest.raises(ValueError, match=r"`healing\.md` has no part between"):
        with_table("# Healing\n")
