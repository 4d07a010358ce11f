"""A worker, put together: its parts, its stream, what watches it; started and stopped in order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from agents.config.proxy import proxy_rules
from agents.config.settings import Settings, require_secrets
from agents.config.spending import require_spending
from agents.delivery.faust.run import run_worker
from agents.delivery.settings import changelog_spec
from agents.health.assessment import description_of
from agents.kafka.rotation import watched_certificates
from agents.kafka.topics import ensure_topics
from agents.logs import LineHandler, lifecycle
from agents.stores.opening import validate_store
from agents.web.pages import Page
from agents.worker.garbage_collection import collect_rarely
from agents.worker.parts import make_parts
from agents.worker.refusals import watch_refusals
from agents.worker.rotation import secret_rotation
from agents.worker.stream import WorkerStream
from agents.worker.watching import Watching, note_certificates


class Worker:
    """One worker. Raises SettingsError, SkillsError or Fatal where it could never do its job; connects to nothing.

    Takes the folder of its store, until `run` returns or the process ends.
    """

    def __init__(self, settings: Settings, log: LineHandler | None = None) -> None:
        require_secrets(settings)
        require_spending(settings)
        proxy_rules(settings)
        self._certificates = watched_certificates(settings.broker, lambda: note_certificates(self._parts))
        self._parts = make_parts(settings, log)
        self._stream = WorkerStream(self._parts)
        self._watching = Watching(self._parts)
        self._parts.observer.on_dead_letters = self._watching.figures.note_dead_letters

    def run(self) -> int:
        """Make or check the topics, then work until SIGTERM, SIGINT or a fatal error. Returns the exit code. Blocks."""
        parts, settings = self._parts, self._parts.settings
        lifecycle.begins(
            settings,
            client=parts.delivery.client_name,
            model=parts.pipeline.artifact.id,
            config_version=parts.pipeline.config_version,
        )
        specs = [*parts.channels.specs(settings), changelog_spec(parts.delivery)]
        ensure_topics(settings.broker, specs, settings.start_timeout_s)
        parts.keyring.open_or_make()
        parts.metrics.built(parts.pipeline.config_version, parts.pipeline.artifact.id)
        parts.config.begin(settings.start_timeout_s)
        if parts.norms is not None:
            parts.norms.begin(settings.start_timeout_s)
        note_certificates(parts)
        parts.metrics.before_render(self._refresh)
        collect_rarely()
        try:
            validate_store(parts.store, settings, parts.delivery.changelog_topic)
            return run_worker(parts.app, self._beside)
        finally:
            self._stream.close()
            parts.close()

    @property
    def pages(self) -> tuple[Page, ...]:
        """All that it serves while it runs."""
        return self._watching.pages

    @property
    def ended_because(self) -> str:
        """Why `run` returned; the message of an error of ours, of another only the type."""
        failure = self._parts.app.failure
        return "asked to stop, all that was in flight is committed" if failure is None else description_of(failure)

    @asynccontextmanager
    async def _beside(self) -> AsyncIterator[None]:
        """What runs beside delivery, from before its start until after its stop."""
        parts, settings, app = self._parts, self._parts.settings, self._parts.app
        async with AsyncExitStack() as stack:
            if parts.traced is not None:
                stack.push_async_callback(parts.traced.aclose)
            if parts.explanations is not None:
                await stack.enter_async_context(parts.explanations.ready())
            await stack.enter_async_context(self._watching.served())
            running = [
                *self._watching.jobs(),
                *self._stream.jobs(),
                parts.config.follow(settings.fusion_config_poll_s),
                secret_rotation(settings).watch(settings.secrets_poll_s),
                self._certificates.watch(settings.secrets_poll_s),
                watch_refusals(settings.broker, app.outage),
            ]
            if parts.explanations is not None:
                running += [parts.explanations.serve(), parts.explanations.watch_redis()]
            tasks = [asyncio.create_task(app.switch.run_beside(job, self._is_stopping)) for job in running]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                if app.failure is None:
                    await self._watching.leave()

    def _is_stopping(self) -> bool:
        return bool(self._parts.app.should_stop)

    def _refresh(self) -> None:
        self._watching.refresh()
        self._stream.refresh()
