"""A health report: the state of each component."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from agents.display.plain import plain

ComponentStatus = Literal["ok", "degraded", "failing", "down"]
_WORST_FIRST: tuple[ComponentStatus, ...] = ("down", "failing", "degraded", "ok")


@dataclass(frozen=True, slots=True)
class ComponentState:
    """A part that the work rests on; `reason` is for people.

    `down`: without it the worker cannot do its job. `failing`: it does its job, and somebody should be woken.
    """

    name: str
    status: ComponentStatus
    reason: str


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The state of all components. `live` is False where only a restart helps; `ready`, while it can do its job."""

    components: tuple[ComponentState, ...]
    live: bool
    ready: bool

    def shown(self) -> Self:
        """Fit to be seen: reasons without secrets, on one line each."""
        return replace(self, components=tuple(replace(part, reason=plain(part.reason)) for part in self.components))

    @property
    def status(self) -> ComponentStatus:
        """The worst of all components."""
        found = {component.status for component in self.components}
        return next(status for status in _WORST_FIRST if status in found or status == "ok")

    @property
    def is_failing(self) -> bool:
        """Whether somebody should be woken."""
        return self.status in ("failing", "down")

    @property
    def problems(self) -> tuple[ComponentState, ...]:
        """The components that are not ok, the worst first."""
        failing = (component for component in self.components if component.status != "ok")
        return tuple(sorted(failing, key=lambda component: _WORST_FIRST.index(component.status)))

    def summary(self) -> dict[str, Any]:
        """The short form, for JSON: the status, and what is wrong."""
        return {"status": self.status, "problems": {part.name: part.reason for part in self.problems}}

    def detailed(self, **more: Mapping[str, Any]) -> dict[str, Any]:
        """The long form, for JSON."""
        components = {part.name: {"status": part.status, "reason": part.reason} for part in self.components}
        return {
            "status": self.status,
            "live": self.live,
            "ready": self.ready,
            "components": components,
            **more,
        }
