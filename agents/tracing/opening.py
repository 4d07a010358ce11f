"""What a worker knows of traces without OpenTelemetry: what it calls, and how it is opened where it is wanted."""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Protocol

from agents.config.settings import Settings, SettingsError
from agents.delivery.step import Batches, Output
from agents.metrics import Metrics
from schemas.dead_letter import Header


class TracedBatch(Protocol):
    """The trace of one batch. Its stages come one after the other, from any thread."""

    def stage(self, name: str, /) -> AbstractContextManager[object]:
        """A span around a part of the work."""
        ...

    def marked(self, outputs: Sequence[Output], /) -> list[Output]:
        """The same records; what a traced record led to tells so in its headers."""
        ...

    def sends(self, partitions: Collection[int], /) -> None:
        """All of these is worked out, and is sent now."""
        ...

    def failed(self, error: BaseException, /) -> None:
        """Nothing comes of it. Of the error only the type is noted."""
        ...

    def confirmed(self, partition: int, /) -> None:
        """The broker has confirmed all of a partition."""
        ...


class Traced(Protocol):
    """The traces of one worker."""

    def begin(self, batches: Batches, /) -> TracedBatch | None:
        """The trace of a batch that begins now; None for one that nobody wants to see."""
        ...

    def explained(self, key: bytes, began_ns: int, generator: str, /) -> tuple[Header, ...]:
        """Headers for the explanation of a student, begun at that time (ns); none where no record of theirs was traced
        lately.
        """
        ...

    async def aclose(self) -> None:
        """Send what waits to be sent, for some seconds at most."""
        ...


def require_tracing(settings: Settings) -> None:
    """Raise SettingsError where traces are on and OpenTelemetry is not installed."""
    if not settings.traces:
        return
    try:
        import_module("agents.tracing.tracing")
    except ModuleNotFoundError as missing:
        raise SettingsError(
            f"SKILLSTREAM_TRACES needs OpenTelemetry, and {missing.name} is not installed: pip install "
            "'skillstream[otel]'"
        ) from None


def open_tracing(settings: Settings, client: str, metrics: Metrics) -> Traced | None:
    """The worker's traces, `client` being its name; None where they are off. Connects to nothing.

    Raises what `require_tracing` does.
    """
    require_tracing(settings)
    if not settings.traces:
        return None
    from agents.tracing.tracing import Tracing

    return Tracing(settings.traces, settings, client, metrics)
