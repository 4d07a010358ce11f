"""`skillstream sign-model`, from the first key to an artifact that is read."""

from pathlib import Path

from tests.artifacts import stored_of_a_former_trainer
from tests.cli.conftest import Run


def test_a_key_is_made_an_artifact_signed_and_read(run: Run, tmp_path: Path) -> None:
    folder, key = stored_of_a_former_trainer(tmp_path / "artifact"), tmp_path / "signer.pem"

    made = run("sign-model", "--new-key", key)
    signed = run("sign-model", folder, "--key", key)

    assert made.out.startswith("ed25519:")
    assert run("sign-model", "--key", key).out == made.out
    assert (signed.code, signed.out.split()[0]) == (0, "Signed")


def test_wrong_usage_and_missing_files_are_said_in_a_line(run: Run, tmp_path: Path) -> None:
    missing = run("sign-model", tmp_path, "--key", tmp_path / "nowhere.pem")
    again = run("sign-model", "--new-key", tmp_path)

    assert run("sign-model").code == 2
    assert (missing.code, missing.err.count("\n")) == (3, 1)
    assert "nowhere.pem" in missing.err
    assert (again.code, again.err.count("\n")) == (3, 1)
