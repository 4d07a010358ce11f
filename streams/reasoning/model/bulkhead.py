"""The bulkhead between explanations and the rest: the one place that catches everything, but for delivery's guard."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import extract_tb

from schemas.errors import Fatal, SkillstreamError
from streams.reasoning.model.reasoning_model import ModelFailed

_log = logging.getLogger(__name__)


@contextmanager
def bulkhead(what: str) -> Iterator[None]:
    """Turns an exception that nobody foresaw into ModelFailed, so that it costs one attempt and never the worker.

    The message names its type and place, never its text: that may quote a reply. Errors of ours pass, but Fatal.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, SkillstreamError) and not isinstance(error, Fatal):
            raise
        frames = extract_tb(error.__traceback__)
        where = f" in {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
        failed = ModelFailed(f"{what} failed: {type(error).__name__}{where}")
        _log.debug("%s", failed)
        raise failed from None
