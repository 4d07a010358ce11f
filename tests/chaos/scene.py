"""What an experiment plays on: a deployment of its own, workers under a supervisor, a load, and ways to wait.

All waiting is bounded, and looks after the workers meanwhile.
"""

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Final, TypeVar

from confluent_kafka import KafkaException

from schemas.topics import MAX_RECORD_BYTES
from tests.agents.deployment import PARTITIONS, Deployment, Sent
from tests.chaos.fault import Fault
from tests.chaos.load import RATE, Load, Producing, a_class
from tests.chaos.offsets import Offsets, Positions
from tests.chaos.supervised import FAULTY, Supervised
from tests.chaos.verdict import skillstream
from tests.servers.kafka import RealKafka
from tests.servers.redis import RealRedis

SESSION_S: Final = 6.0
NORMS: Final[Mapping[str, object]] = {"norms_every_s": 2, "norms_poll_s": 0.5}
"""A snapshot every two seconds or so, as the load's records are of now."""
Chosen = TypeVar("Chosen")
_LONGEST_SESSION_S: Final = 24.0
START_TIMEOUT_S: Final = 60.0
RECOVERY_TIMEOUT_S: Final = 90.0
_ADVICE: Final = re.compile(r"What to do: [^`]*`skillstream ([^`]+)`")
_HEAD_START: Final = 2_500
_POLL_S: Final = 0.15


@dataclass(frozen=True, slots=True)
class Playbill:
    """What all experiments of a run share.

    Classes and moments follow from `seed`; stories strike `rounds` times; deadlines are `patience` times those of an
    idle machine; `former` is the checkout of a former commit, where one was named; `over` ends all early.
    """

    seed: int
    rounds: int
    patience: float = 1.0
    former: Path | None = None
    over: threading.Event = field(default_factory=threading.Event)


class NothingFormer(Exception):
    """A story needs a former commit, and none was named."""


class Scene:
    """See the module. `rounds` is how often a story repeats its blow; `rng` is the experiment's own."""

    def __init__(
        self,
        name: str,
        play: Playbill,
        kafka: RealKafka,
        redis: RealRedis,
        folder: Path,
        deadline_s: float,
        norms: Mapping[str, object] = NORMS,
    ) -> None:
        seed = play.seed
        self.rng = Random(f"{seed}/{name}")
        self.rounds = play.rounds
        self._former = play.former
        self._over = play.over
        self._over_s = time.monotonic() + deadline_s
        self._stack = ExitStack()
        self.kafka = kafka
        self.redis = redis
        self.folder = folder
        self.workers: list[Supervised] = []
        self.recoveries_s: list[float] = []
        self._events = a_class(f"{seed}/{name}")
        self.patience = play.patience
        self.session_s = min(SESSION_S * play.patience, _LONGEST_SESSION_S)
        session = {"session_timeout_s": self.session_s}
        scripted = {"reasoning": "scripted", "redis_url": redis.url, "expected_workers": 2}
        defaults = {"max_batch_records": 500, **scripted, **session, **norms}
        self.deployment = Deployment(kafka.bootstrap, folder, defaults)
        self.deployment.make_topics()

    def close(self) -> None:
        """Leave nothing behind."""
        for worker in self.deployment.workers:
            worker.end()
        if "offsets" in self.__dict__:
            self.offsets.close()
        self._stack.close()

    def keep(self, context: AbstractContextManager[Chosen]) -> Chosen:
        """Enter a context, which is left after the verdict."""
        return self._stack.enter_context(context)

    @cached_property
    def offsets(self) -> Offsets:
        """Where the group stands."""
        sources = self.deployment.channels.sources
        return Offsets(self.kafka.bootstrap, self.deployment.name, sources, PARTITIONS)

    @property
    def former(self) -> Path:
        """A former commit's tree. Raises NothingFormer."""
        if self._former is None:
            raise NothingFormer("it needs a former commit: BEFORE=COMMIT, or --before")
        return self._former

    # -- the cast

    def worker(self, faults: Sequence[Fault | None] = (), faulty: str = FAULTY, /, **settings: object) -> Supervised:
        """One more worker, starting; each of its runs has the next of the `faults`, in the program `faulty`."""
        self.workers.append(Supervised(self.deployment.start, settings, faults, faulty))
        return self.workers[-1]

    def two_workers(
        self, faults: Sequence[Fault | None] = (), /, *, named: bool = True, **settings: object
    ) -> tuple[Supervised, Supervised]:
        """Two, each with half of the partitions; `named`: with instance ids, so that a restart moves none.

        The `faults` are the first one's.
        """
        one = self.worker(faults, **settings, instance_id="one" if named else "")
        two = self.worker(**settings, instance_id="two" if named else "")
        self.until(lambda: (one.owns, two.owns) == (2, 2), "two workers own two partitions each", START_TIMEOUT_S)
        return one, two

    def send(self, records: Iterable[Sent]) -> None:
        """Produce some records, and wait until they are confirmed."""
        producing = self.producing()
        producing.produce(records)
        producing.flush()

    def events(self, count: int) -> list[Sent]:
        """The next of the class."""
        return [next(self._events) for _ in range(count)]

    def producing(self, **options: object) -> Producing:
        """A producer to the activity topic."""
        allowed = {"message.max.bytes": MAX_RECORD_BYTES}
        return Producing(self.kafka.bootstrap, self.deployment.channels.activity, **allowed, **options)

    @contextmanager
    def load(self, rate: int = RATE) -> Iterator[None]:
        """The class goes on, at `rate` events/s, as long as the context is open; some are there from the start."""
        self.send(self.events(_HEAD_START))
        with Load(self.producing(), self._events, rate):
            yield

    # -- waiting

    def until(self, condition: Callable[[], bool], what: str, timeout_s: float = RECOVERY_TIMEOUT_S) -> None:
        """Look after the workers until `condition` holds; AssertionError when it does not in time."""
        timeout_s *= self.patience
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            now_s = time.monotonic()
            assert now_s < deadline_s, f"not within {timeout_s:.0f} s: {what}"
            assert not self._over.is_set(), "the suite was interrupted"
            assert now_s < self._over_s, f"the experiment was to be over by now, it waits: {what}"
            self.tend()
            time.sleep(_POLL_S)

    def run_for(self, seconds: float) -> None:
        """Let it go on for a while."""
        until_s = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= until_s, "time passes", seconds + 30)

    def run_a_moment(self) -> None:
        """Let it go on until some commits came, and then for a random moment of up to 1.2 s: one commit interval."""
        before = self._standing()
        self.until(lambda: self.offsets.past(before), "the workers commit")
        self.run_for(self.rng.uniform(0.0, 1.2))

    def await_recovery(self, since: Positions | None = None) -> None:
        """Return at the first commits past where the group stood at the fault, and note how long they took.

        The fault is now, unless `since` says where the group stood before it.
        """
        from_s = time.monotonic()
        before = self._standing() if since is None else since
        self.until(lambda: self.offsets.past(before), "every partition is committed past where it stood at the fault")
        self.recoveries_s.append(time.monotonic() - from_s)

    def _standing(self) -> Positions:
        """What the group has committed; asked again while the broker does not answer."""
        told: list[Positions] = []

        def ask() -> bool:
            with suppress(KafkaException):
                told.append(self.offsets.committed())
            return bool(told)

        self.until(ask, "the broker tells where the group stands")
        return told[0]

    def await_deaths(self, worker: Supervised, count: int, what: str) -> None:
        """Return when `count` of the worker's runs ended of their faults."""
        self.until(lambda: worker.deaths >= count, what)

    def await_shares(self, workers: Sequence[Supervised], timeout_s: float = RECOVERY_TIMEOUT_S) -> None:
        """Return when the `workers` own all partitions, each of them some, and have restored them."""

        def shared() -> bool:
            owned = [worker.owns for worker in workers]
            return sum(owned) == PARTITIONS and min(owned) > 0

        self.until(shared, f"{len(workers)} workers share all partitions, and have restored them", timeout_s)

    def await_caught_up(self) -> None:
        """Return when all is committed."""
        self.until(lambda: self.offsets.lag() == 0, "all is committed")

    def await_refusal(self, *workers: Supervised) -> str:
        """The workers end by themselves, with 4, and stay down; what the last of them said at its end."""
        for worker in workers:
            worker.is_row = False
        self.until(lambda: not any(worker.process.alive for worker in workers), "the workers refuse to go on")
        codes = [worker.process.exit_code() for worker in workers]
        assert set(codes) == {4}, f"they ended with {codes}, 4 was due\n{workers[-1].process.tail()}"
        return workers[-1].process.tail()

    def refused(self, worker: Supervised) -> str:
        """The worker refuses to go on, with 4, and says what to do: that command of ours, done."""
        said = self.await_refusal(worker)
        noted = _ADVICE.search(said)
        assert noted, f"it does not say what to do:\n{said}"
        done = skillstream(*noted[1].split(), "--yes", settings=self.deployment.given())
        assert done.returncode == 0, f"`skillstream {noted[1]}` ended with {done.returncode}: {done.stderr[-1000:]}"
        return noted[1]

    def stop_all(self) -> None:
        """SIGTERM to all; each ends in time, with 0."""
        started = [worker for worker in self.workers if worker.is_row or worker.process.alive]
        self.until(lambda: all(worker.has_started for worker in started), "what was restarted has started")
        for worker in started:
            worker.terminate()

    def tend(self) -> None:
        """What a supervisor does now and then."""
        for worker in self.workers:
            worker.tend()

    # -- what is true

    def outcomes(self, name: str) -> int:
        """Events of this outcome, as the running workers count."""
        return sum(worker.process.events(name) for worker in self.workers if worker.has_started)

    @property
    def replayed(self) -> int:
        """Records that were read again."""
        return sum(worker.replayed for worker in self.workers)

    @property
    def expelled(self) -> int:
        """How often a worker stopped because the machine was too slow for its heartbeats."""
        return sum(worker.expelled for worker in self.workers)

    def log_tails(self) -> str:
        """The ends of the workers' logs."""
        tails = []
        for worker in self.deployment.workers[-4:]:
            with suppress(OSError):
                tails.append(f"--- {worker.log_path.name}\n{worker.tail()}")
        return "\n".join(tails)
