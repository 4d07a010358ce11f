"""Opens the store that the settings name, and asks the broker whether it may be believed."""

from agents.config.settings import Settings
from agents.stores.store import MemoryStore, Store


def open_store(settings: Settings) -> Store:
    """Raises StoreInUse or StoreFailed. RocksDB is imported only where it is used."""
    if settings.store == "memory":
        return MemoryStore()
    from agents.stores.folder import folder_of
    from agents.stores.rocksdb import RocksRows

    folder = folder_of(settings.store_dir, settings.app_id, settings.instance_id)
    return RocksRows(folder, settings.store_memory_mb)


def validate_store(store: Store, settings: Settings, changelog: str) -> None:
    """Drop what `store` kept if it is doubtful; to be called before the worker joins its group. Blocks.

    Raises BrokerUnavailable, and what the store raises.
    """
    if isinstance(store, MemoryStore):
        return
    from agents.stores.rocksdb import RocksRows
    from agents.stores.trust import drop_what_is_doubtful

    assert isinstance(store, RocksRows)
    drop_what_is_doubtful(store, settings.broker, changelog, settings.start_timeout_s)
