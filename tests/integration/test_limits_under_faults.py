"""Eight processes, one budget, a real Redis that is flushed, killed, set back and behind a wrong clock: never over."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.integration.limit_spender import AHEAD_S, BUCKETS
from tests.servers.redis import RealRedis

PROCESSES = 8
SECONDS = 40


def test_eight_processes_never_exceed_a_limit_whatever_becomes_of_redis(own_redis: RealRedis, tmp_path: Path) -> None:
    with _spenders(own_redis.url, tmp_path) as spenders:
        with redis.Redis.from_url(own_redis.url) as client:
            time.sleep(3)
            client.script_flush()
            time.sleep(2)
            client.flushall()
            time.sleep(4)
            client.save()
        time.sleep(3)
        own_redis.kill()
        own_redis.restart()  # with the snapshot
        time.sleep(4)
        (own_redis.folder / "dump.rdb").unlink()
        own_redis.restart()  # empty
        time.sleep(4)
        for ahead_s in (-3600, 0):
            with redis.Redis.from_url(own_redis.url) as client:
                client.set(AHEAD_S, ahead_s)
            time.sleep(3)
        for spender in spenders[:4]:
            os.kill(spender.pid, signal.SIGSTOP)
        time.sleep(3)
        for spender in spenders[:4]:
            os.kill(spender.pid, signal.SIGCONT)
        assert [spender.wait(60) for spender in spenders] == [0] * PROCESSES

    logs = [log.read_text().splitlines() for log in tmp_path.glob("*.log")]
    spans = sorted(tuple(map(int, line.split())) for log in logs for line in log)
    for bucket in BUCKETS:
        assert _surely_in_one_window(spans, bucket.window_us) <= bucket.limit
    assert min(map(len, logs)) > 0
    assert len(spans) >= 120  # of 480 that undisturbed they would have got


def _surely_in_one_window(spans: list[tuple[int, ...]], window_us: int) -> int:
    """A grant was given some time between its two readings: the most that lie within one window, whenever that was."""
    most = 0
    for begin_us, _ in spans:
        most = max(most, sum(asked >= begin_us and given <= begin_us + window_us for asked, given in spans))
    return most


@contextmanager
def _spenders(url: str, folder: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    module = [sys.executable, "-m", "tests.integration.limit_spender", url, str(folder)]
    started = [subprocess.Popen([*module, str(i), str(PROCESSES), str(SECONDS)]) for i in range(PROCESSES)]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()
