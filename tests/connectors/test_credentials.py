import asyncio
import hashlib
import sys
from pathlib import Path

import pytest
from mendflow.connectors.contract import CredentialSource, Renewal
from mendflow.connectors.credentials import Credential, key_id_of
from mendflow.connectors.errors import InvalidUse, MissingCredential
from pydantic import SecretStr


class Learner:
    """Notes each secret that it is told."""

    def __init__(self) -> None:
        self.learnt: list[str] = []

    def __call__(self, secret: SecretStr) -> None:
        self.learnt.append(secret.get_secret_value())


def test_secret_is_learnt_before_it_is_used() -> None:
    """The sink hears of a secret when it is read, and its fingerprint is not the secret."""
    learn = Learner()
    credential = Credential(CredentialSource(env="KEY"), learn=learn, environ={"KEY": " s3cret\n"})
    assert credential.key_id == ""
    assert credential.secret.get_secret_value() == "s3cret"
    assert learn.learnt == ["s3cret"]
    assert credential.key_id == hashlib.sha256(b"mendflow credential\x00s3cret").hexdigest()[:12]
    assert "s3cret" not in repr(credential.secret)


def test_missing_variable_is_named_with_the_way_out() -> None:
    """Without a key the message names the variable and the sandbox."""
    with pytest.raises(MissingCredential) as caught:
        Credential(
            CredentialSource(env="PIGGY_API_KEY"), learn=Learner(), environ={"PIGGY_API_KEY": " "}
        ).resolve()
    assert caught.value.message == "The environment variable `PIGGY_API_KEY` is not set."
    assert caught.value.help == "set PIGGY_API_KEY, or try it without a key: --sandbox"


def test_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable set by the user is found."""
    monkeypatch.setenv("MENDFLOW_TEST_KEY", "abc")
    assert (
        Credential(CredentialSource(env="MENDFLOW_TEST_KEY"), learn=Learner()).secret.get_secret_value()
        == "abc"
    )


def test_file_is_stripped(tmp_path: Path) -> None:
    """A key file may end with a line break."""
    path = tmp_path / "key"
    path.write_text("abc-123\n")
    assert (
        Credential(CredentialSource(file=str(path)), learn=Learner()).resolve().get_secret_value()
        == "abc-123"
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "does not exist"), (b"\n", "is empty"), (b"a" * 4097, "is larger than 4096 bytes")],
)
def test_file_without_a_key_is_named(tmp_path: Path, content: bytes | None, problem: str) -> None:
    """A missing, empty or oversized key file is named with what is wrong."""
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidUse) as caught:
        Credential(CredentialSource(file=str(path)), learn=Learner()).resolve()
    assert caught.value.message == f"The key file `{path}` {problem}."
    assert "--sandbox" in caught.value.help


@pytest.mark.parametrize("secret", ["two\nlines", "two words", "sécret", "bell\a", "x\r\nX-Evil: 1"])
def test_what_cannot_stand_in_a_header_is_refused_unquoted(secret: str) -> None:
    """A key that could break out of a header is refused, and never quoted or learnt as a key."""
    learn = Learner()
    with pytest.raises(InvalidUse) as caught:
        Credential(CredentialSource(env="KEY"), learn=learn, environ={"KEY": secret}).resolve()
    assert secret not in caught.value.message + caught.value.help
    assert learn.learnt == []


@pytest.mark.parametrize("source", [CredentialSource(), CredentialSource(env="A", file="b")])
def test_source_names_exactly_one_place(source: CredentialSource) -> None:
    """A credential from nowhere, or from two places, is a mistake of the user's."""
    with pytest.raises(InvalidUse, match="exactly one of"):
        Credential(source, learn=Learner())


def test_keyring_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra installed, the message says how to install it."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(InvalidUse) as caught:
        Credential(CredentialSource(keyring="piggy/me"), learn=Learner()).resolve()
    assert caught.value.help == 'run pip install "mendflow[keyring]"'


def test_keyring_entry_needs_a_user() -> None:
    """A keyring entry is written as service and user."""
    with pytest.raises(InvalidUse, match="expected `service/user`"):
        Credential(CredentialSource(keyring="piggy"), learn=Learner()).resolve()


async def test_many_callers_share_one_reading(tmp_path: Path) -> None:
    """Two hundred calls that are refused at once read the source once, and all see the new key."""
    path = tmp_path / "key"
    path.write_text("old")
    learn = Learner()
    credential = Credential(CredentialSource(file=str(path)), learn=learn)
    credential.resolve()
    path.write_text("new")
    renewals = await asyncio.gather(*[credential.renew() for _ in range(200)])
    assert renewals == [Renewal(changed=True, key_id=key_id_of(SecretStr("new")))] * 200
    assert learn.learnt == ["old", "new"]
    assert credential.secret.get_secret_value() == "new"


async def test_unchanged_source_is_said_to_be_unchanged() -> None:
    """A second reading that brings the same key says so."""
    credential = Credential(CredentialSource(env="KEY"), learn=Learner(), environ={"KEY": "same"})
    credential.resolve()
    assert await credential.renew() == Renewal(changed=False, key_id=key_id_of(SecretStr("same")))


async def test_source_that_fails_leaves_the_old_key(tmp_path: Path) -> None:
    """A key file that vanishes during a rotation is reported, not raised; the next reading may succeed."""
    path = tmp_path / "key"
    path.write_text("old")
    credential = Credential(CredentialSource(file=str(path)), learn=Learner())
    credential.resolve()
    path.unlink()
    assert await credential.renew() == Renewal(
        changed=False, key_id=key_id_of(SecretStr("old")), detail=f"The key file `{path}` does not exist."
    )
    assert credential.secret.get_secret_value() == "old"
    path.write_text("new")
    assert (await credential.renew()).changed
