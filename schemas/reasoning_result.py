"""`reasoning-results`, as they are read back. Anybody may have written there: what is none of ours is said to be so."""

from typing import Final

import msgspec

from schemas.dialects.native import require_readable
from schemas.errors import InvalidInput
from schemas.explanation import ReasoningResult

_RESULTS: Final = msgspec.json.Decoder(ReasoningResult)


def read_result(value: bytes | None) -> ReasoningResult:
    """The result that `value` holds. Raises InvalidInput (not_a_result) and nothing else."""
    try:
        return _RESULTS.decode(require_readable(value))
    except InvalidInput as error:
        raise InvalidInput("not_a_result", f"not a reasoning result: {error}") from None
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidInput("not_a_result", f"not a reasoning result: {type(error).__name__}") from None
