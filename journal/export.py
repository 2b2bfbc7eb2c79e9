"""A run as a file: JSON Lines, one event a line."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from ..connectors.errors import InvalidUse
from .events import Event

LARGEST_TRACE = 256 * 1024 * 1024


def write_trace(path: Path, events: Iterable[Event]) -> None:
    """Write the events. Raises InvalidUse where the file cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            file.writelines(event.model_dump_json() + "\n" for event in events)
    except OSError as error:
        raise InvalidUse(
            f"The trace `{path}` cannot be written: {error.strerror}.",
            help="Give another path with `--trace`.",
        ) from error


def read_trace(path: Path) -> list[Event]:
    """Return the events of a trace file. Raises InvalidUse that names the line that is none."""
    try:
        if path.stat().st_size > LARGEST_TRACE:
            raise InvalidUse(
                f"The trace `{path}` is larger than {LARGEST_TRACE} bytes.", help="Is it a trace?"
            )
        text = path.read_text(encoding="utf-8").removesuffix("\n")
        lines = text.split("\n") if text else []
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidUse(
            f"The trace `{path}` cannot be read: {error}.", help="Give a file that `--trace` wrote."
        ) from error
    events: list[Event] = []
    for number, line in enumerate(lines, start=1):
        try:
            events.append(Event.model_validate_json(line))
        except ValidationError as error:
            found = error.errors()[0]["msg"]
            raise InvalidUse(
                f"`{path}` line {number} is no event of a trace: {found}.",
                help="Give a file that `--trace` wrote.",
            ) from error
    if not events or events[0].kind != "run_started":
        raise InvalidUse(f"`{path}` does not begin with `run_started`.", help="Give a whole trace.")
    return events
