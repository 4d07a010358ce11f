"""Whose the folder of a store on disk is, and who may look into it."""

import os
from pathlib import Path

import pytest

from agents.config.settings import Settings, SettingsError
from agents.stores import MemoryStore
from agents.stores.errors import StoreFailed
from agents.stores.folder import folder_of
from agents.stores.opening import open_store
from agents.stores.rocksdb import RocksRows


def test_two_workers_in_one_folder_are_refused_and_told_what_to_set(tmp_path: Path) -> None:
    settings = Settings(store="rocksdb", store_dir=str(tmp_path), app_id="a", store_memory_mb=16)
    first = open_store(settings)
    with pytest.raises(SettingsError, match="SKILLSTREAM_INSTANCE_ID"):
        open_store(settings)
    first.close()
    open_store(settings).close()


def test_the_folder_is_named_by_app_and_instance_and_is_never_outside(tmp_path: Path) -> None:
    assert folder_of("state", "app", None) == Path("state/app/worker")
    assert folder_of("state", "app", "worker/1") == Path("state/app/worker%2F1")
    for name in ("..", ".", "../../x", "/x"):
        assert len(folder_of(str(tmp_path), name, name).resolve().relative_to(tmp_path.resolve()).parts) == 2


def modes(top: Path) -> set[int]:
    return {place.stat().st_mode & 0o777 for place in (top, *top.rglob("*")) if place.is_dir()}


def test_nobody_else_may_look_into_the_store(tmp_path: Path) -> None:
    top = tmp_path / "deep" / "store"
    settings = Settings(store="rocksdb", store_dir=str(top), app_id="a", store_memory_mb=16)
    umask = os.umask(0)
    try:
        open_store(settings).close()
    finally:
        os.umask(umask)

    assert modes(tmp_path / "deep") == {0o700}


def test_a_store_that_others_could_look_into_is_closed_to_them(tmp_path: Path) -> None:
    settings = Settings(store="rocksdb", store_dir=str(tmp_path / "store"), app_id="a", store_memory_mb=16)
    open_store(settings).close()
    for place in ((tmp_path / "store"), *(tmp_path / "store").rglob("*")):
        if place.is_dir():
            place.chmod(0o755)
    open_store(settings).close()

    assert modes(tmp_path / "store") == {0o700}


def test_a_folder_that_is_not_only_the_stores_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, home = tmp_path / "tmp", tmp_path / "home"
    shared.mkdir()
    shared.chmod(0o1777)
    (home / "work").mkdir(parents=True)
    home.chmod(0o755)
    monkeypatch.chdir(home / "work")
    for top in (shared, home):
        open_store(Settings(store="rocksdb", store_dir=str(top), app_id="a", store_memory_mb=16)).close()
        assert modes(top / "a") == {0o700}

    assert shared.stat().st_mode & 0o7777 == 0o1777
    assert home.stat().st_mode & 0o777 == 0o755


def test_memory_is_the_default_and_leaves_no_folder(tmp_path: Path) -> None:
    assert isinstance(open_store(Settings(store_dir=str(tmp_path / "x"))), MemoryStore)
    assert not (tmp_path / "x").exists()


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailed, match="Not a directory"):
        RocksRows(tmp_path / "file" / "store", memory_mb=16)
