"""Certificates made for a test, by `openssl`: an authority of its own, and what it issues, good or expired."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.servers.child import ServerMissing

_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_EXTENSIONS: Final = "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n"


@dataclass(frozen=True, slots=True)
class Issued:
    """PEM files of a certificate and of its key."""

    certificate: Path
    key: Path


class Authority:
    """Certificates for 127.0.0.1 and localhost, in a folder. Raises ServerMissing without `openssl`."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder, self._name = folder, name
        folder.mkdir(parents=True, exist_ok=True)
        self.ca = folder / f"{name}.pem"
        authority = ("-addext", "basicConstraints=critical,CA:TRUE", "-subj", f"/CN={name}", "-days", "2")
        _openssl("req", "-x509", *_KEY, "-keyout", f"{self._key}", "-out", f"{self.ca}", *authority)

    def issue(self, name: str, days: int = 2) -> Issued:
        """A certificate of that common name; with a negative number of days it has expired."""
        issued = Issued(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        request, extensions = self._folder / f"{name}.csr", self._folder / "extensions"
        extensions.write_text(_EXTENSIONS)
        _openssl("req", *_KEY, "-keyout", f"{issued.key}", "-out", f"{request}", "-subj", f"/CN={name}")
        by = ("-CA", f"{self.ca}", "-CAkey", f"{self._key}", "-CAcreateserial", "-extfile", f"{extensions}")
        _openssl("x509", "-req", "-in", f"{request}", *by, "-days", f"{days}", "-out", f"{issued.certificate}")
        return issued

    @property
    def _key(self) -> Path:
        return self._folder / f"{self._name}.key"


def _openssl(*arguments: str) -> None:
    program = shutil.which("openssl")
    if program is None:
        raise ServerMissing("certificates are made by `openssl`, and there is none on the PATH")
    subprocess.run([program, *arguments], check=True, capture_output=True, timeout=60)
