"""The certificate of pages, or of a gateway, read again when its files hold another: who connects then is shown it."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from pathlib import Path

from agents.config.pages_tls import server_context

_log = logging.getLogger(__name__)


class PagesCertificate:
    """PEM files of a certificate, with its chain, and of its key. Raises OSError where they cannot be used.

    `named` is what the log calls them.
    """

    def __init__(
        self,
        certificate: str,
        key: str,
        on_reloaded: Callable[[], None],
        named: str = "SKILLSTREAM_WEB_CERTIFICATE or _KEY",
    ) -> None:
        context = server_context(certificate, key)
        assert context is not None
        self.context: ssl.SSLContext = context
        self._files = certificate, key
        self._on_reloaded, self._named = on_reloaded, named
        self._served = self._content()
        self._refused: tuple[bytes, bytes] | None = None

    async def watch(self, every_s: float) -> None:
        """Look again and again until cancelled. What is new is loaded in the loop's thread, between two handshakes."""
        while True:
            await asyncio.sleep(every_s)
            if await asyncio.to_thread(self._is_changed):
                self.look()

    def look(self) -> bool:
        """Whether there is another certificate, served from now on. One that cannot be used leaves the former."""
        try:
            found = self._content()
        except OSError as error:
            return self._refuse((b"", b""), error)
        if found in (self._served, self._refused):
            return False
        try:
            server_context(*self._files)  # a live context that was given half a pair would serve nobody
            self.context.load_cert_chain(*self._files)
        except OSError as error:
            return self._refuse(found, error)
        self._served, self._refused = found, None
        _log.info("The certificate was rotated: new connections are shown it")
        self._on_reloaded()
        return True

    def _is_changed(self) -> bool:
        try:
            return self._content() not in (self._served, self._refused)
        except OSError:
            return True

    def _refuse(self, found: tuple[bytes, bytes], error: OSError) -> bool:
        if found != self._refused:
            self._refused = found
            said = error.strerror or error
            _log.warning("%s cannot be used: %s; the former stays in use", self._named, said)
        return False

    def _content(self) -> tuple[bytes, bytes]:
        certificate, key = (Path(file).read_bytes() for file in self._files)
        return certificate, key
