"""What a store on disk still holds of erased students is removed, beside the step, soon after they are erased."""

import asyncio
from typing import Final

from agents.logs import lifecycle
from agents.stores import Store

_LOOK_EVERY_S: Final = 5.0


async def remove_former_rows(store: Store) -> None:
    """Whenever there are some. Runs for ever; raises what the store raises."""
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        if store.former_rows() and (students := await asyncio.to_thread(store.remove_former_rows)):
            lifecycle.former_rows_removed(students)
