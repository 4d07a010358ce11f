"""A base image for where no registry can be reached: Debian 13 with Debian's own Python 3.13, made by mmdebstrap.

The pinned image is Debian 13 too, but with a Python of its own make under /usr/local. So what is built on the stand-in
shows that the Dockerfile's steps work, not that they do on the pinned image.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tests.container.engine import Engine
from tests.servers.child import ServerMissing, run

NAME: Final = "localhost/skillstream-check/python:3.13-trixie"
_PACKAGES: Final = "python3,python3-venv,python3-pip,ca-certificates"
_MIRROR: Final = "http://deb.debian.org/debian"


def stand_in(engine: Engine) -> str:
    """The image's name; made once, in about half a minute. ServerMissing without mmdebstrap."""
    if engine.ask("image", "inspect", NAME).returncode != 0:
        if shutil.which("mmdebstrap") is None:
            raise ServerMissing(
                "The stand-in for the base image needs root and (Debian, Ubuntu) apt install mmdebstrap"
            )
        with tempfile.TemporaryDirectory() as scratch:
            tree = str(Path(scratch) / "tree.tar")
            make = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={_PACKAGES}"]
            run([*make, "trixie", tree, _mirror()], "Making a Debian 13")
            engine.tell("import", tree, NAME)
    return NAME


def _mirror() -> str:
    """The archive that this machine's apt uses, if it is a Debian."""
    if shutil.which("apt-get") is None:
        return _MIRROR
    ask = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)", "Created-By: Packages"]
    for line in subprocess.run(ask, capture_output=True, text=True, check=True).stdout.splitlines():
        origin, _, address = line.partition(" ")
        if origin == "Debian":
            return address
    return _MIRROR
