"""How often Python looks for garbage in cycles."""

import gc
from typing import Final

_YOUNG_OBJECTS: Final = 200_000


def collect_rarely() -> None:
    """Look for cycles less often, and never again among what is alive now; call once, when all is loaded.

    A batch makes objects by the hundred thousand, none of them in a cycle, all of them alive until it is done. At the
    default of one search per 700 new objects a third of a batch's time goes into finding nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 50)
