"""A container engine, Docker or Podman, as far as the checks of the image need one. Linux only.

Podman works where no daemon runs, and inside of what is itself a container or a small virtual machine.
"""

import resource
import shutil
import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from tests.container.files import ROOT
from tests.servers.child import ServerMissing

_PIP_CONF: Final = Path("/etc/pip.conf")
_BUNDLE: Final = "/etc/ssl/certs/ca-certificates.crt"
# All that docker-compose.yml takes away, and no network but what a check asks for.
HARDENED: Final = (
    *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges", "--no-healthcheck"),
)


@dataclass(frozen=True, slots=True)
class Engine:
    """`program` is `docker`, or `podman` with its options."""

    program: tuple[str, ...]

    @classmethod
    def of_this_machine(cls) -> Self:
        """Docker where its daemon answers, else Podman. ServerMissing where there is neither."""
        if (
            shutil.which("docker")
            and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
        ):
            return cls(("docker",))
        if shutil.which("podman") and shutil.which("runc"):
            return cls(("podman", "--runtime", "runc"))
        raise ServerMissing("No container engine: start Docker, or (Debian, Ubuntu) apt install podman runc")

    @property
    def podman(self) -> bool:
        """Whether it is Podman."""
        return self.program[0] == "podman"

    def ask(self, *arguments: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run one command of the engine to its end, whatever its exit code."""
        return subprocess.run(
            [*self.program, *arguments], capture_output=True, text=True, check=False, timeout=timeout_s, cwd=ROOT
        )

    def tell(self, *arguments: str, timeout_s: float = 60.0) -> str:
        """The same where only success will do; what it printed."""
        done = self.ask(*arguments, timeout_s=timeout_s)
        assert done.returncode == 0, f"{' '.join(arguments[:3])} …: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout.strip()

    def build(self, tag: str, build_arguments: Sequence[str], timeout_s: float) -> None:
        """Run the Dockerfile's steps on the files that .dockerignore leaves."""
        options = [f"--build-arg={argument}" for argument in build_arguments]
        if self.podman:
            options += [
                "--format=docker",
                "--layers=false",
                "--isolation=chroot",
                "--network=host",
                *_this_machines_pip(),
            ]
        self.tell("build", "--tag", tag, *options, ".", timeout_s=timeout_s)

    def run(self, image: str, *arguments: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """A container of `image` to its end, hardened, without a network."""
        return self.ask("run", "--rm", "--network=none", *self._limits(), *HARDENED, *options, image, *arguments)

    def start(self, image: str, *arguments: str, options: Sequence[str] = ()) -> str:
        """A container of `image` left running, hardened, on this machine's network; its id."""
        return self.tell("run", "--detach", "--network=host", *self._limits(), *HARDENED, *options, image, *arguments)

    def _limits(self) -> list[str]:
        if not self.podman:
            return []
        # Podman would raise them, which not every root may.
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        return [f"--ulimit=nofile={files}:{files}", "--ulimit=nproc=1000:1000", "--read-only-tmpfs=false"]


def _this_machines_pip() -> list[str]:
    """What lets pip in a build reach the package index that pip out here reaches."""
    bundle = ssl.get_default_verify_paths().cafile
    mounts = [f"--volume={bundle}:{_BUNDLE}:ro"] if bundle else []
    return [*mounts, f"--volume={_PIP_CONF}:{_PIP_CONF}:ro"] if _PIP_CONF.exists() else mounts
