"""The certificate of pages, or of a gateway, read again when its files hold another: who connects then is shown it."""

import ssl
from collections.abc import Callable

from agents.config.pages_tls import server_context
from agents.secrets.watched_files import WatchedFiles


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
        self._pair = certificate, key
        self._on_reloaded = on_reloaded
        self._files = WatchedFiles(
            self._pair, self._load, named, "The certificate was rotated: new connections are shown it"
        )

    async def watch(self, every_s: float) -> None:
        """Look again and again until cancelled. What is new is loaded in the loop's thread, between two handshakes."""
        await self._files.watch(every_s)

    def look(self) -> bool:
        """Whether there is another certificate, served from now on. One that cannot be used leaves the former."""
        return self._files.look()

    def _load(self) -> None:
        server_context(*self._pair)  # a live context that was given half a pair would serve nobody
        self.context.load_cert_chain(*self._pair)
        self._on_reloaded()
