"""What reaches the terminal: every printed text passes `clean`, and output that cannot be written ends the command."""

import re
from contextlib import suppress
from typing import Final

import orjson
import typer

from ..connectors.errors import InvalidUse

_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""C0 but for newline and tab, DEL, C1, and half characters, which no stream can encode."""
_C1: Final = re.compile(r"[\x7f-\x9f]")


class OutputLost(InvalidUse):
    """What was to be printed cannot be written on stdout."""

    code = "output_lost"

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"The output cannot be written: {error.strerror or error}.",
            help="What runs have done is in the journal: `mendflow runs`, `mendflow show RUN`.",
        )


def clean(text: str) -> str:
    """Return a text without the characters with which it could steer a terminal: U+FFFD stands for each."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def say(text: str) -> None:
    """Print lines on stdout. Raises OutputLost."""
    _put(clean(text))


def say_json(document: object, *, indented: bool = False) -> None:
    """Print one JSON document on stdout, whole: what could steer a terminal is escaped. Raises OutputLost."""
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2 if indented else 0).decode()  # which escapes C0
    _put(_C1.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def warn(text: str) -> None:
    """Print lines on stderr; where nobody can read them the command goes on."""
    with suppress(OSError):
        typer.echo(clean(text), err=True)


def _put(text: str) -> None:
    try:
        typer.echo(text)
    except BrokenPipeError:  # nobody reads on: typer ends the command
        raise
    except OSError as error:
        raise OutputLost(error) from error
