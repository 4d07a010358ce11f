"""A process that writes to a store until it is killed: python -m tests.agents.store_writer FOLDER BYTES.

Each batch says the same number in every row, and is confirmed. With BYTES above 0, no file may grow beyond that, as if
the disk were full. What it has done is printed.
"""

import os
import resource
import sys
from pathlib import Path

from agents.stores.errors import StoreFailed
from agents.stores.rocksdb import RocksRows
from tests.agents.logged import write

KEYS = 400
ROW_BYTES = 1_000


def main(folder: str, file_bytes: int) -> int:
    """3 when the store failed."""
    if file_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    store = RocksRows(Path(folder), memory_mb=16)
    store.adopt("log")
    try:
        for number in range(100_000):
            rows = [(b"%d" % key, b"%d " % number + os.urandom(ROW_BYTES)) for key in range(min(KEYS, number + 1))]
            write(store, 0, _first(number), *rows)
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
    except StoreFailed as failed:
        sys.stderr.write(f"{failed}\n")
        store.close()
        return 3
    return 0


def _first(number: int) -> int:
    """The offset of a batch's first record: batches grow by one row until they have all keys."""
    growing = min(number, KEYS)
    return growing * (growing + 1) // 2 + KEYS * (number - growing)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
