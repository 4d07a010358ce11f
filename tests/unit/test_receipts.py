"""Receipts of erasures: who can check them, and that nothing in one can be changed."""

import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agents.config.header_keys import Keyring
from agents.config.settings import Settings, load_settings
from agents.operations.erase.exports import Exported
from agents.operations.erase.holdings import Remains
from agents.operations.erase.receipt import (
    Done,
    ErasedKey,
    Receipt,
    ReceiptRefused,
    check_signed_by,
    check_signed_here,
    encode_receipt,
    is_about,
    read_receipt,
    signed_receipt,
    student_hash,
)
from agents.operations.erase.signing import public_keys_of, signer_of
from schemas.errors import KeyUnusable
from streams.input.signing_keys import new_signing_key
from tests.agents.command import Ran, run_here

HEADER_KEY: Final = "of-a-former-version-00000"
FORMER: Final = (
    b'{"app":"app","asked_at":"2026-11-01T00:00:00Z","erased":[{"student":"a1b5d72e:eca11953446c77daa91994cd887a04ae",'
    b'"accepted_at":"2026-11-01T00:00:01Z","topic_id":"topic","ends":[3,9],"done":[{"where":"skill-updates","what":'
    b'"null value","partition":1,"offset":7}]}],"remains":[{"where":"skill-updates","what":"former messages","until":'
    b'"2026-11-02T00:00:00Z"}],"signature":"a1b5d72e:cf1a21578852405a239e083958bf967c","version":1}'
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a deployment whose receipts others can check."""
    new_signing_key(tmp_path / "receipts.pem")
    return load_settings(
        {"SKILLSTREAM_HEADER_KEY": HEADER_KEY, "SKILLSTREAM_RECEIPT_KEY_FILE": str(tmp_path / "receipts.pem")}
    )


def receipt_of(settings: Settings) -> bytes:
    keyring = Keyring(settings)
    erased = ErasedKey(
        student_hash("zoë", keyring), "2026-11-01T00:00:01Z", "t", (3, 9), [Done("skill-updates", "null value", 1, 7)]
    )
    receipt = Receipt(
        "app",
        "2026-11-01T00:00:00Z",
        [erased],
        [Remains("où", "former messages", "2026-11-02T00:00:00Z")],
        exports=[Exported("2026-10-01T00:00:00Z", "skill-updates, sha256 00", "by", "done")],
    )
    return encode_receipt(signed_receipt(receipt, signer_of(settings, keyring)))


def checked_by_nothing_of_ours(written: bytes, public_key: str) -> None:
    """As docs/erasing.md says that it can be done. Raises InvalidSignature."""
    receipt = json.loads(written)
    signature = b64decode(receipt["signature"].removeprefix("ed25519:"))
    content = json.dumps({**receipt, "signature": ""}, separators=(",", ":"), ensure_ascii=False)
    key = Ed25519PublicKey.from_public_bytes(b64decode(public_key.removeprefix("ed25519:")))
    key.verify(signature, b"skillstream erasure receipt\n" + content.encode())


def test_who_has_no_secret_can_check_a_receipt(settings: Settings) -> None:
    [public_key], written = public_keys_of(settings), receipt_of(settings)

    check_signed_by(read_receipt(written), [public_key])
    checked_by_nothing_of_ours(written, public_key)
    assert json.loads(written)["signer"] == public_key


@pytest.mark.parametrize("field", ["app", "asked_at", "erased", "remains", "signer", "exports"])
def test_no_field_can_be_changed_or_left_out(settings: Settings, field: str) -> None:
    receipt = json.loads(receipt_of(settings))
    other: Any = "another" if isinstance(receipt[field], str) else []

    for changed in ({**receipt, field: other}, {name: value for name, value in receipt.items() if name != field}):
        with pytest.raises(ReceiptRefused):
            check_signed_by(read_receipt(json.dumps(changed).encode()), public_keys_of(settings))
    with pytest.raises(InvalidSignature):
        checked_by_nothing_of_ours(json.dumps({**receipt, field: other}).encode(), receipt["signer"])


@pytest.mark.parametrize("signature", ["", "ed25519:", "ed25519:é", "ed25519:AAAA", f"ed25519:{'A' * 86}==", "x"])
def test_what_is_no_signature_is_refused(settings: Settings, signature: str) -> None:
    receipt = msgspec.structs.replace(read_receipt(receipt_of(settings)), signature=signature)

    with pytest.raises(ReceiptRefused):
        check_signed_by(receipt, public_keys_of(settings))
    with pytest.raises(ReceiptRefused):
        check_signed_here(receipt, Keyring(settings))


def test_another_key_than_the_one_that_is_named_is_refused(settings: Settings, tmp_path: Path) -> None:
    receipt = read_receipt(receipt_of(settings))

    with pytest.raises(ReceiptRefused, match="not signed by that key"):
        check_signed_by(receipt, [new_signing_key(tmp_path / "other.pem")])
    with pytest.raises(ReceiptRefused, match="name the public key"):
        check_signed_by(receipt, [])
    with pytest.raises(KeyUnusable, match="a public key is"):
        check_signed_by(receipt, ["ed25519:x"])


def test_a_receipt_names_nobody_and_the_deployment_knows_whose_it_is(settings: Settings) -> None:
    written = receipt_of(settings)

    assert "zoë".encode() not in written
    assert is_about(read_receipt(written), "zoë", Keyring(settings))
    assert not is_about(read_receipt(written), "bo", Keyring(settings))


def test_a_receipt_of_a_former_version_can_be_checked_still(settings: Settings) -> None:
    keyring, receipt = Keyring(settings), read_receipt(FORMER)

    check_signed_here(receipt, keyring)
    assert is_about(receipt, "ada", keyring)
    with pytest.raises(ReceiptRefused, match="changed since"):
        check_signed_here(msgspec.structs.replace(receipt, app="other"), keyring)
    with pytest.raises(ReceiptRefused, match="only the deployment"):
        check_signed_by(receipt, public_keys_of(settings))


def called(*arguments: object, **environment: str) -> Ran:
    return run_here(environment, *map(str, arguments))


def test_the_command_checks_by_a_public_key_alone(settings: Settings, tmp_path: Path) -> None:
    file, pem = tmp_path / "receipt.json", str(tmp_path / "receipts.pem")
    file.write_bytes(receipt_of(settings))
    shown = called("erase", "--public-key", SKILLSTREAM_RECEIPT_KEY_FILE=pem)

    assert (shown.code, shown.text.strip()) == (0, public_keys_of(settings)[0])
    assert called("erase", "--check", file, "--signed-by", shown.text.strip()).code == 0
    assert called("erase", "--check", file, SKILLSTREAM_RECEIPT_KEY_FILE=pem).code == 0
    other = b64encode(bytes(32)).decode()
    assert called("erase", "--check", file, "--signed-by", f"ed25519:{other}").code == 1
    assert called("erase", "--check", file, "--signed-by", "garbage").code == 2


def test_a_key_that_is_none_is_named_as_the_setting_and_not_quoted() -> None:
    ran = called("erase", "--public-key", SKILLSTREAM_RECEIPT_KEY="-----BEGIN CANARY-----")

    assert ran.code == 2
    assert "SKILLSTREAM_RECEIPT_KEY is no private key" in ran.err
    assert "CANARY" not in ran.err


def test_without_a_key_it_is_said_that_nobody_else_can_check() -> None:
    ran = called("erase", "--public-key")

    assert ran.code == 1
    assert "SKILLSTREAM_RECEIPT_KEY is not set" in ran.err


def test_a_public_key_is_not_asked_for_beside_an_erasure() -> None:
    ran = called("erase", "ada", "--yes", "--public-key")
    assert ran.code == 2
    assert "stands alone" in ran.err
