"""Secrets: where they are read, how they are renewed, and how one is named without being told."""

import asyncio
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from .contract import CredentialSource, Renewal
from .errors import InvalidUse, MissingCredential

LARGEST_FILE: Final = 4096
"""Bytes of a file that holds a secret."""
_KEY_ID_LABEL: Final = b"mendflow credential\x00"
_SANDBOX: Final = "or try it without a key: --sandbox"


class Credential:
    """One secret, read from its source; `learn` is told each secret before its use, in order to redact it."""

    def __init__(
        self,
        source: CredentialSource,
        *,
        learn: Callable[[SecretStr], None],
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        if sum(map(bool, (source.env, source.file, source.keyring))) != 1:
            raise InvalidUse(
                "A credential needs exactly one of `env`, `file` and `keyring`.",
                help="write for example `credential: {env: PIGGY_API_KEY}`",
            )
        self._source = source
        self._learn = learn
        self._environ = environ
        self._secret: SecretStr | None = None
        self._lock = asyncio.Lock()
        self._readings = 0
        self._last = Renewal(changed=False, key_id="")

    @property
    def secret(self) -> SecretStr:
        """The secret now in use; reads the source the first time, as `resolve` does."""
        return self.resolve() if self._secret is None else self._secret

    @property
    def key_id(self) -> str:
        """The fingerprint of the secret in use, empty before the first reading."""
        return "" if self._secret is None else key_id_of(self._secret)

    def resolve(self) -> SecretStr:
        """Read the source and return what it holds.

        Raises `MissingCredential` where it holds nothing, `InvalidUse` where that cannot be a key.
        """
        secret = SecretStr(_checked(self._read(), _place(self._source)))
        self._learn(secret)
        self._secret = secret
        return secret

    async def renew(self) -> Renewal:
        """Read the source again; callers that come while a reading is under way share it.

        `changed` compares with the secret in use when the reading began; a caller who was refused with an
        older key compares `key_id` with the one that was refused. A source that fails now leaves the old
        secret in use.
        """
        readings = self._readings
        async with self._lock:
            if self._readings != readings:
                return self._last
            before = self.key_id
            try:
                await asyncio.to_thread(self.resolve)
            except InvalidUse as error:
                self._last = Renewal(changed=False, key_id=before, detail=error.message)
            else:
                self._last = Renewal(changed=self.key_id != before, key_id=self.key_id)
            self._readings += 1
            return self._last

    def _read(self) -> str:
        if self._source.env:
            return _from_environment(self._environ, self._source.env)
        if self._source.file:
            return _from_file(Path(self._source.file))
        return _from_keyring(self._source.keyring)


def key_id_of(secret: SecretStr) -> str:
    """Return a short fingerprint of `secret` that may be shown and stored."""
    return hashlib.sha256(_KEY_ID_LABEL + secret.get_secret_value().encode()).hexdigest()[:12]


def _from_environment(environ: Mapping[str, str], name: str) -> str:
    secret = environ.get(name, "").strip()
    if not secret:
        raise MissingCredential(
            f"The environment variable `{name}` is not set.", help=f"set {name}, {_SANDBOX}"
        )
    return secret


def _from_file(path: Path) -> str:
    help_line = f"write the key into {path}, {_SANDBOX}"
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except FileNotFoundError as error:
        raise MissingCredential(f"The key file `{path}` does not exist.", help=help_line) from error
    except OSError as error:
        raise MissingCredential(
            f"The key file `{path}` cannot be read: {error.strerror}.", help=help_line
        ) from error
    if len(raw) > LARGEST_FILE:
        raise InvalidUse(f"The key file `{path}` is larger than {LARGEST_FILE} bytes.", help=help_line)
    secret = raw.strip().decode("utf-8", "replace")
    if not secret:
        raise MissingCredential(f"The key file `{path}` is empty.", help=help_line)
    return secret


def _from_keyring(place: str) -> str:
    service, _, user = place.partition("/")
    if not (service and user):
        raise InvalidUse(
            f"The keyring entry `{place}` has no user; expected `service/user`.",
            help="write for example `credential: {keyring: piggy/production}`",
        )
    try:
        import keyring  # noqa: PLC0415  # an optional extra
        from keyring.errors import KeyringError  # noqa: PLC0415  # an optional extra
    except ImportError as error:
        raise InvalidUse(
            f"The key `{place}` lies in the keyring, and keyring is not installed.",
            help='run pip install "mendflow[keyring]"',
        ) from error
    help_line = f"run keyring set {service} {user}, {_SANDBOX}"
    try:
        secret = (keyring.get_password(service, user) or "").strip()
    except KeyringError as error:
        raise MissingCredential(
            f"The keyring cannot be read ({type(error).__name__}).", help=help_line
        ) from error
    if not secret:
        raise MissingCredential(f"The keyring holds nothing under `{place}`.", help=help_line)
    return secret


def _place(source: CredentialSource) -> str:
    if source.env:
        return f"the environment variable `{source.env}`"
    if source.file:
        return f"the file `{source.file}`"
    return f"the keyring entry `{source.keyring}`"


def _checked(secret: str, place: str) -> str:
    """Return `secret` if it can stand in an HTTP header: one line of printable ASCII without blanks."""
    if len(secret) > LARGEST_FILE or not all("!" <= char <= "~" for char in secret):
        raise InvalidUse(
            f"What {place} holds cannot be a key: expected one line of printable ASCII without blanks.",
            help="store the key alone, as the vendor shows it",
        )
    return secret
