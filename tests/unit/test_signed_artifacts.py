"""An artifact that nobody known signed is not read where signers are set."""

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agents.config.models import artifact_of
from agents.config.settings import Settings, load_settings
from agents.inference.setup import process_setup
from schemas.errors import KeyUnusable
from streams.evidence.artifacts import CARD_FILE, ArtifactError
from streams.evidence.signed_artifacts import SIGNATURE_FILE, sign_artifact
from streams.input.signing_keys import new_signing_key, read_signing_key
from tests.artifacts import stored_of_a_former_trainer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return stored_of_a_former_trainer(tmp_path / "artifact")


@pytest.fixture
def private_key(tmp_path: Path) -> Path:
    return tmp_path / "signer.pem"


@pytest.fixture
def settings(folder: Path, private_key: Path) -> Settings:
    """Of a worker that reads artifacts of two signers, of which the second signed this one."""
    other, own = new_signing_key(private_key.with_name("other.pem")), new_signing_key(private_key)
    sign_artifact(folder, read_signing_key(private_key))
    return load_settings({"SKILLSTREAM_MODEL": str(folder), "SKILLSTREAM_MODEL_SIGNERS": f"{other}, {own}"})


def test_what_a_known_signer_signed_is_read(settings: Settings) -> None:
    assert artifact_of(settings).models
    assert artifact_of(process_setup(settings)).models


def test_a_foreign_key_is_refused(settings: Settings, folder: Path, tmp_path: Path) -> None:
    new_signing_key(tmp_path / "foreign.pem")
    sign_artifact(folder, read_signing_key(tmp_path / "foreign.pem"))

    with pytest.raises(ArtifactError, match="none of SKILLSTREAM_MODEL_SIGNERS signed it"):
        artifact_of(settings)
    with pytest.raises(ArtifactError, match="none of SKILLSTREAM_MODEL_SIGNERS signed it"):
        artifact_of(process_setup(settings))


@pytest.mark.parametrize(
    ("spoilt", "content", "why"),
    [
        (SIGNATURE_FILE, None, "is not signed, and SKILLSTREAM_MODEL_SIGNERS asks for it"),
        (SIGNATURE_FILE, b"", "none of SKILLSTREAM_MODEL_SIGNERS"),
        (SIGNATURE_FILE, b"\xff\x00", "holds no signature"),
        (SIGNATURE_FILE, b"A" * 5_000_000, "none of SKILLSTREAM_MODEL_SIGNERS|holds no signature"),
        (CARD_FILE, b"{}", "its card was changed after it was signed"),
        ("problem_solving.trees.json", b"{}", "is not the file its card describes"),
    ],
)
def test_what_was_spoilt_since_is_refused(
    settings: Settings, folder: Path, spoilt: str, content: bytes | None, why: str
) -> None:
    if content is None:
        (folder / spoilt).unlink()
    else:
        (folder / spoilt).write_bytes(content)

    with pytest.raises(ArtifactError, match=why):
        artifact_of(settings)


def test_a_signature_of_another_artifact_does_not_do(settings: Settings, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "changed"
    shutil.copytree(folder, other)
    card = (other / CARD_FILE).read_bytes()
    (other / CARD_FILE).write_bytes(card.replace(b'"examples": ', b'"examples": 1', 1))

    with pytest.raises(ArtifactError, match="its card was changed"):
        artifact_of(load_settings({"SKILLSTREAM_MODEL": str(other)}, model_signers=settings.model_signers))


@pytest.mark.parametrize("model", ["default", "course_success", "none"])
def test_what_comes_with_the_program_needs_no_signature(settings: Settings, model: str) -> None:
    assert artifact_of(load_settings({"SKILLSTREAM_MODEL": model}, model_signers=settings.model_signers))


def test_a_copy_of_a_built_in_one_does(settings: Settings, tmp_path: Path) -> None:
    copied = tmp_path / "default"
    shutil.copytree(Path("streams/builtin/default"), copied)

    with pytest.raises(ArtifactError, match="is not signed"):
        artifact_of(load_settings({"SKILLSTREAM_MODEL": str(copied)}, model_signers=settings.model_signers))


@pytest.mark.parametrize("key", ["ed25519:", "ed25519:AAAA", "x", "ed25519:" + "é" * 44])
def test_what_is_no_public_key_is_named_as_the_setting(folder: Path, key: str) -> None:
    with pytest.raises(ArtifactError, match="SKILLSTREAM_MODEL_SIGNERS: a public key is"):
        artifact_of(load_settings({"SKILLSTREAM_MODEL": str(folder), "SKILLSTREAM_MODEL_SIGNERS": key}))


def test_a_private_key_is_its_owners_alone_and_never_written_over(private_key: Path) -> None:
    new_signing_key(private_key)

    assert private_key.stat().st_mode & 0o077 == 0
    with pytest.raises(FileExistsError):
        new_signing_key(private_key)


def test_keys_of_other_kinds_are_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "other.pem"
    path.write_bytes(generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(KeyUnusable, match="another kind than Ed25519"):
        read_signing_key(path)
    path.write_bytes(b"garbage")
    with pytest.raises(KeyUnusable, match="no private key in PEM"):
        read_signing_key(path)
