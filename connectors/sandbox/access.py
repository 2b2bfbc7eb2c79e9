"""How clients reach a sandbox: the line it prints when it is ready, and the file with the key valid now."""

import os
from pathlib import Path

import orjson
from pydantic import SecretStr

from ..contract import Frozen
from ..errors import InvalidUse


class Announcement(Frozen):
    """Where a sandbox listens, and the key that is valid when it starts."""

    base_url: str
    """The address, without the vendor's prefix."""
    api_key: SecretStr

    def line(self) -> str:
        """Return the one line of JSON that a sandbox prints; it holds the key in the clear."""
        return orjson.dumps({"base_url": self.base_url, "api_key": self.api_key.get_secret_value()}).decode()


def write_key(path: Path, key: str) -> None:
    """Put the key into the file, at once or not at all, readable by its owner only."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{key}\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise InvalidUse(
            f"the key file `{path}` cannot be written: {error.strerror}", help="Choose another path for it."
        ) from error
