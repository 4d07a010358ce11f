"""Draws the group once for all who look at it: as the whole page, and as the parts that its stream sends."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agents.dashboard.group import GroupView, group_view
from agents.dashboard.members import members_of
from agents.dashboard.page import parts

AskGroup = Callable[[Mapping[str, str]], Awaitable[Mapping[str, Any]]]
"""The document of /group/figures, by a caller's headers; the same object for all who ask within a second."""


class Drawing:
    """Of one worker. What was drawn of a document is kept until another document comes."""

    def __init__(self, ask: AskGroup, now_s: Callable[[], float] = time.time) -> None:
        self._ask, self._now_s = ask, now_s
        self._drawn: tuple[Mapping[str, Any], GroupView, dict[str, str]] | None = None

    async def now(self, headers: Mapping[str, str]) -> tuple[GroupView, dict[str, str]]:
        """The group and the parts of its page, for whoever sent these headers: the other workers see them, too."""
        document = await self._ask(headers)
        if self._drawn is None or self._drawn[0] is not document:
            group = group_view(
                members_of(document), self._now_s(), document.get("unowned", ()), document.get("problem")
            )
            self._drawn = document, group, parts(group)
        return self._drawn[1], self._drawn[2]
