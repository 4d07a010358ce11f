"""`skillstream sign-model`: vouch for a model artifact, so that workers which ask for it read no other's."""

from pathlib import Path

import click

from agents.cli.outcome import OutOfReach


@click.command(name="sign-model")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--key", type=click.Path(path_type=Path), metavar="FILE", help="The private key, Ed25519 in PEM.")
@click.option(
    "--new-key", type=click.Path(path_type=Path), metavar="FILE", help="Make a private key, and print its public one."
)
def command(folder: Path | None, key: Path | None, new_key: Path | None) -> None:
    """Sign the model artifact in DIR with --key. Workers with that public key in SKILLSTREAM_MODEL_SIGNERS read it, and
    no artifact that was changed, or signed by others. Without DIR the key's public key is printed.

    Keep the private key away from workers: who trains signs, who runs checks.
    """
    from streams.evidence.artifacts import load_artifact
    from streams.evidence.signed_artifacts import sign_artifact
    from streams.input.signing_keys import new_signing_key, public_key_of, read_signing_key

    if (key is None) == (new_key is None) or (new_key is not None and folder is not None):
        raise click.UsageError("give --key FILE, with or without DIR, or --new-key FILE alone")
    try:
        if new_key is not None:
            click.echo(new_signing_key(new_key))
            return
        assert key is not None
        signing_key = read_signing_key(key)
        if folder is None:
            click.echo(public_key_of(signing_key))
            return
        artifact = load_artifact(str(folder.absolute()))
        path = sign_artifact(folder, signing_key)
    except OSError as error:
        raise OutOfReach(f"{error.filename}: {error.strerror}") from None
    click.echo(f"Signed {artifact.id}: {path}")
