"""Secrets are masked in every spelling before anything is written."""

import base64
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.journal.vault import MASK, Vault
from pydantic import JsonValue, SecretStr

_SECRETS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["Cs", "Cc"]),
    min_size=8,
    max_size=40,
)
_SPELLINGS = ("plain", "json", "url", "hex", "HEX", "base64", "base64 of a text around it", "url-safe base64")
SECRET = "sk-live/9f8e7d+6c5b4a=="


def _knowing(*secrets: str) -> Vault:
    vault = Vault()
    for secret in secrets:
        vault.learn(SecretStr(secret))
    return vault


def _spelt(secret: str, spelling: str, before: str = "") -> str:
    raw = secret.encode()
    match spelling:
        case "plain":
            return secret
        case "json":
            return orjson.dumps({"k": secret}).decode()
        case "url":
            return quote(secret, safe="")
        case "hex":
            return raw.hex()
        case "HEX":
            return raw.hex().upper()
        case "base64":
            return base64.b64encode(raw).decode()
        case "url-safe base64":
            return base64.urlsafe_b64encode(before.encode() + raw + b":x").decode()
        case _:
            return base64.b64encode(before.encode() + raw + b":x").decode()


def _core(secret: str, before: str) -> str:
    """Return the characters of a base64 that only the secret decides."""
    start = len(before.encode())
    whole = base64.b64encode(before.encode() + secret.encode()).decode()
    first = -(-start * 8 // 6)
    last = (start + len(secret.encode())) * 8 // 6
    return whole[first:last]


@given(_SECRETS, st.sampled_from(_SPELLINGS), st.sampled_from(["", "a", "ab", "abc", "user:"]))
def test_no_spelling_of_a_secret_survives(secret: str, spelling: str, before: str) -> None:
    """Plain, escaped, percent-coded, hexadecimal or base64 at any offset: none is left in what is written."""
    sealed = _knowing(secret).seal({"detail": f"<<{_spelt(secret, spelling, before)}>>"})
    assert MASK in sealed
    text = str(orjson.loads(sealed)["detail"])
    spelt = [_spelt(secret, name) for name in ("plain", "url", "hex", "HEX")]
    cores = [_core(secret, before), _core(secret, before).replace("+", "-").replace("/", "_")]
    assert [form for form in (*spelt, *cores) if form in text] == []


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
        lambda i: (
            st.lists(i, max_size=3)
            | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), i, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_ordinary_values_pass_untouched(value: JsonValue) -> None:
    """Without a secret in it a value is written as it is."""
    assert orjson.loads(_knowing("a-secret-of-mine-0123456789").seal(value)) == value


@given(st.text("0123456789", min_size=6, max_size=12), st.text("0123456789", max_size=3))
def test_what_is_written_is_always_json(digits: str, more: str) -> None:
    """A secret of digits within a number is masked, and the result can still be read."""
    number = int(f"1{digits}{more}")
    sealed = _knowing(digits).seal({"amount": number, "list": [number, 1.5], "text": f"{number}"})
    assert orjson.loads(sealed)["list"][1] == 1.5
    assert digits not in sealed


def test_a_secret_in_a_name_is_masked() -> None:
    """Keys of objects are no hiding place."""
    assert orjson.loads(_knowing(SECRET).seal({SECRET: {"x": SECRET}})) == {MASK: {"x": MASK}}


def test_the_longer_of_two_secrets_goes_first() -> None:
    """A secret that holds another one leaves no tail behind."""
    vault = _knowing("abcdefgh", "abcdefgh-and-more")
    assert vault.seal_text("abcdefgh-and-more, abcdefgh") == f"{MASK}, {MASK}"


@pytest.mark.parametrize("secret", ["", "a", "ab1"])
def test_a_secret_that_is_no_secret_masks_nothing(secret: str) -> None:
    """What is too short would mask ordinary words."""
    assert _knowing(secret).seal_text("a ab1 b") == "a ab1 b"


@pytest.mark.parametrize("kept", range(8, 34))
def test_a_secret_that_was_cut_is_masked_as_well(kept: int) -> None:
    """An excerpt may end within it; its first eight characters are enough to know it by."""
    secret = "sk_live_abcdefghijklmnopqrstuvwxyz"
    vault = Vault()
    vault.learn(SecretStr(secret))
    assert orjson.loads(
        vault.seal({"excerpt": f"Bearer {secret[:kept]}", "then": f"{secret[:kept]}; done"})
    ) == {
        "excerpt": "Bearer [secret]",
        "then": "[secret]; done",
    }
