"""The table of faults as a part of `docs/healing.md`: `python -m tests.faults.page` writes it anew (`make faults`)."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, assert_never

from mendflow.verifier.outcome import Standing

from tests.faults.form import Form
from tests.faults.models import MODELS, ModelForm
from tests.faults.table import FAMILIES

PAGE: Final = Path(__file__).parents[2] / "docs" / "healing.md"
_BEGIN, _END = "<!-- made by `make faults`: begin -->\n", "<!-- made by `make faults`: end -->\n"
_PART: Final = re.compile(f"(?<={re.escape(_BEGIN)}).*?(?={re.escape(_END)})", re.DOTALL)
_HEAD: Final = ("form", "what is seen", "fault", "a write then", "remedy", "refused when")
_MODEL_HEAD: Final = ("form", "what is seen", "reason", "remedy", "refused when")


def with_table(page: str) -> str:
    """Return the page with its table made anew; raise ValueError where it has no place for one."""
    if not _PART.search(page):
        raise ValueError(f"`{PAGE.name}` has no part between `{_BEGIN.strip()}` and `{_END.strip()}`")
    return _PART.sub(lambda _: _tables(), page)


def _tables() -> str:
    parts = [_table(title, _HEAD, map(_row, forms)) for title, forms in FAMILIES.items()]
    return "\n" + "\n".join([*parts, _table("Models", _MODEL_HEAD, map(_model_row, MODELS))]) + "\n"


def _table(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines: Iterator[tuple[str, ...]] = iter([head, ("---",) * len(head), *rows])
    return f"### {title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _row(form: Form) -> tuple[str, ...]:
    kind = f"`{form.cause.kind}`" if form.cause and form.read != "done" else "none"
    return f"`{form.name}`", form.seen, kind, _stands(form.write), _remedy(form), form.refused


def _stands(standing: Standing) -> str:
    match standing:
        case "not_sent":
            return "did not leave"
        case "refused":
            return "did not take place"
        case "done":
            return "is done"
        case "unknown":
            return "is unknown"
        case never:
            assert_never(never)


def _remedy(form: Form) -> str:
    settles = "; a write is settled" if form.write == "unknown" else ""
    match form.remedy:
        case "wait":
            return f"{_wait(form.told)}{settles}"
        case "renew":
            return "renew the key"
        case "fail":
            return f"none{settles}"
        case "none needed":
            return "none needed"
        case never:
            assert_never(never)


def _wait(told: float) -> str:
    return f"wait {told:,g} s and our backoff" if told else "wait our backoff"


def _model_row(form: ModelForm) -> tuple[str, ...]:
    remedy = (
        (f"ask again after {form.told:,g} s" if form.told else "ask again") if form.is_retried else "none"
    )
    return f"`{form.name}`", form.seen, f"`{form.reason}`", remedy, form.refused


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
