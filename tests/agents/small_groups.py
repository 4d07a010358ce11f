"""`skillstream worker` whose steps have many record batches each, of a few rows, and which may have a fault."""

import os
from typing import Final

import msgspec

from agents.cli import main
from streams.norms import journal
from tests.chaos.fault import VARIABLE, Fault
from tests.chaos.faulty_worker import inject

GROUP_BYTES: Final = 8 * 1024

if __name__ == "__main__":
    for bound in ("GROUP_BYTES", "_LEAST_ROW_BYTES"):
        setattr(journal, bound, GROUP_BYTES)
    if VARIABLE in os.environ:
        inject(msgspec.json.decode(os.environ[VARIABLE], type=Fault))
    main()
