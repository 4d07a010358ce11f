"""The demo's worker: `skillstream worker` as a process of its own, asked about itself over its web pages."""

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.error import URLError
from urllib.request import urlopen

import msgspec

from agents.config.settings import ENV_PREFIX, Settings
from schemas.errors import Fatal

_STOP_TIMEOUT_S: Final = 45.0
_ASK_TIMEOUT_S: Final = 5.0
_EVENTS: Final = re.compile(r'^skillstream_events_total\{outcome="(\w+)"\} ([0-9.e+]+)$', re.MULTILINE)
_RECORDS: Final = re.compile(r"^skillstream_records_total ([0-9.e+]+)$", re.MULTILINE)
_PAGES: Final = re.compile(r"Pages at (http://\S+)")

_OF_EVENTS: Final = (
    "skills",
    "model",
    "mapping",
    "known_ids",
    "components_per_student",
    "record_max_bytes",
    "record_max_events",
    "record_max_students",
    "batch_max_unpacked_mb",
    "dead_letter_max_ratio",
    "dead_letter_min_records",
    "dead_letter_max_consecutive",
)
"""Settings that decide what becomes of an event: these a demo shares with a deployment, and no address or key."""


def settings_of_events(settings: Settings) -> Settings:
    """Settings of a demo which does with events what a worker with `settings` does."""
    shared = {name: getattr(settings, name) for name in _OF_EVENTS}
    return msgspec.structs.replace(Settings(reasoning="scripted", web_port=0), **shared)


class WorkerFailed(Fatal):
    """The demo's worker ended, or did not end as it should."""


class WorkerProcess:
    """Lives while the context is open, deaf to settings around it; its log is a file, kept where anything fails.

    Its tokens are made anew each time: students' pages and inference are open to who reads them off the terminal.
    """

    def __init__(self, settings: Settings) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
        shared = {f"{ENV_PREFIX}{name.upper()}": getattr(settings, name) for name in _OF_EVENTS}
        self._environment = inherited | {name: "" if value is None else str(value) for name, value in shared.items()}
        self._environment |= {
            "SKILLSTREAM_BROKER": settings.broker,
            "SKILLSTREAM_REASONING": settings.reasoning,
            "SKILLSTREAM_SEED_LIMITS": "true",
            "SKILLSTREAM_WEB_PORT": str(settings.web_port),
        }
        self.reader_token, self.inference_token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self._environment |= {
            "SKILLSTREAM_READER_TOKEN": self.reader_token,
            "SKILLSTREAM_INFERENCE_TOKEN": self.inference_token,
        }
        self._log = Path(tempfile.mkdtemp(prefix="skillstream-demo-")) / "worker.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "agents.cli", "worker"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is the demo's to handle
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if error is None:
            shutil.rmtree(self._log.parent)

    def require_alive(self) -> None:
        """Raise WorkerFailed, with the end of its log, if it has ended."""
        if self._process is None or self._process.poll() is not None:
            code = None if self._process is None else self._process.returncode
            raise WorkerFailed(f"the worker ended with exit code {code}:\n{self._tail()}")

    @property
    def url(self) -> str | None:
        """Where its pages are; None until it says."""
        said = _PAGES.search(self._log.read_text("utf-8", "replace"))
        return said[1] if said else None

    def counts(self) -> Counter[str]:
        """Events by outcome, and `records`, by its own metrics; empty while it does not answer."""
        url = self.url
        if url is None:
            return Counter()
        try:
            with urlopen(f"{url}metrics", timeout=_ASK_TIMEOUT_S) as answer:
                text = answer.read().decode()
        except (URLError, OSError):
            return Counter()
        records = _RECORDS.search(text)
        counted = {outcome: int(float(figure)) for outcome, figure in _EVENTS.findall(text)}
        return Counter(counted | {"records": int(float(records[1])) if records else 0})

    def stop(self) -> None:
        """SIGTERM, and wait. Raises WorkerFailed unless it drains and exits with 0."""
        self.require_alive()
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise WorkerFailed(f"the worker did not stop within {_STOP_TIMEOUT_S:.0f} s:\n{self._tail()}") from None
        if code != 0:
            raise WorkerFailed(f"the worker stopped with exit code {code}:\n{self._tail()}")

    def _tail(self) -> str:
        lines = self._log.read_text("utf-8", "replace").splitlines()
        return "\n".join([*lines[-15:], f"(all of its log: {self._log})"])
