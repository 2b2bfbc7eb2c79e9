"""The kill switch: a file for each paused connection, looked at before every attempt.

A file rather than a row: it works while the journal is busy or broken, across all processes of one home, and a
look costs microseconds.
"""

import re
from contextlib import suppress
from pathlib import Path

import orjson

from ..connectors.contract import JsonObject
from ..connectors.errors import InvalidUse, StoreError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class KillSwitch:
    """Which connections of a home are paused, and why."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "paused"

    def why(self, connection: str) -> str:
        """Say why a connection is paused; empty when it is not."""
        try:
            text = (self._folder / connection).read_bytes()
        except FileNotFoundError:
            return ""
        except OSError as error:  # there is a switch and it cannot be read: held is the safe side
            return f"the connection `{connection}` is paused ({error.strerror})"
        return _told(connection, text)

    def pause(self, connection: str, *, by: str, reason: str) -> None:
        """Hold every attempt of this connection back from now on. Raises InvalidUse, StoreError.

        The file alone is the switch. What it says comes after, and may be missing where the disk is full.
        """
        body: JsonObject = {"by": by, "reason": reason}
        place = self._place(connection)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            place.touch(mode=0o600)
        except OSError as error:
            raise StoreError(
                f"`{connection}` could not be paused: `{place}` cannot be written ({error.strerror}).",
                help="Mend the folder; until then end the processes that run.",
            ) from error
        with suppress(OSError):
            place.write_bytes(orjson.dumps(body))

    def release(self, connection: str) -> bool:
        """Let the connection go on; tell whether it was paused. Raises InvalidUse."""
        place = self._place(connection)
        was_paused = place.exists()
        place.unlink(missing_ok=True)
        return was_paused

    def all(self) -> dict[str, str]:
        """Return the paused connections and why."""
        if not self._folder.is_dir():
            return {}
        return {place.name: self.why(place.name) for place in sorted(self._folder.iterdir())}

    def _place(self, connection: str) -> Path:
        if not _NAME.fullmatch(connection):
            raise InvalidUse(
                f"`{connection}` is no name of a connection.",
                help="Give the name under `connections:` in the workflow, for example `piggy`.",
            )
        return self._folder / connection


def _told(connection: str, text: bytes) -> str:
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        return f"the connection `{connection}` is paused"
    return f"the connection `{connection}` is paused by {body.get('by')}: {body.get('reason')}"
