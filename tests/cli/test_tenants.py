"""`skillstream tenants`: the file as it is read, and keys for it."""

from pathlib import Path

from agents.config.tenants import hash_of
from tests.cli.conftest import Run


def test_tenants_are_listed_without_their_keys(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "tenants.toml"
    file.write_text(f'[tenants.north]\nstudents = "north:"\nsigning_keys = ["{"n" * 32}"]\nusd_per_day = 2.5\n')
    config = tmp_path / "skillstream.toml"
    config.write_text(f'tenants = "{file}"\n')

    ran = run("tenants", "list", "--config", str(config))

    assert ran.code == 0, ran.err
    assert "north" in ran.out
    assert "north:" in ran.out
    assert "usd_per_day = 2.5" in ran.out
    assert "n" * 32 not in ran.out


def test_without_a_file_there_are_none_and_a_wrong_one_is_named(run: Run, tmp_path: Path) -> None:
    assert "SKILLSTREAM_TENANTS is not set" in run("tenants", "list").out

    config = tmp_path / "skillstream.toml"
    config.write_text('tenants = "nowhere.toml"\n')
    ran = run("tenants", "list", "--config", str(config))
    assert (ran.code, "tenants file nowhere.toml: No such file" in ran.err) == (2, True)


def test_a_key_is_made_with_its_hash(run: Run) -> None:
    key, hashed = run("tenants", "key").out.split()

    assert hashed == hash_of(key)
    assert run("tenants", "key").out.split()[0] != key
