"""Where a worker keeps its rows: in memory, or on its disk where they are more than memory holds."""

from agents.stores.store import MemoryStore, Store

__all__ = ["MemoryStore", "Store"]
