"""All experiments, a line each. Whatever goes wrong fails one experiment, and the next begins.

Those that leave the broker whole share one, side by side; those that break it take turns beside them.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.chaos.experiment import Broker, Experiment
from tests.chaos.result import Result, wrong
from tests.chaos.scene import NORMS, NothingFormer, Playbill, Scene
from tests.chaos.verdict import verdict_of
from tests.chaos.volume import NoPrivilege, small_volume
from tests.servers.kafka import RealKafka
from tests.servers.redis import RealRedis

DISK_MIB: Final = 160
_EXPERIMENT_S: Final = 240.0
_ROUND_S: Final = 30.0


class Suite:
    """One run. Everything that it starts is stopped when it returns or raises."""

    def __init__(self, play: Playbill, redis: RealRedis, scratch: Path) -> None:
        self._play = play
        self._redis = redis
        self._scratch = scratch
        self.results: list[Result] = []

    def run(self, experiments: Sequence[Experiment], jobs: int) -> None:
        """All of them, in this order, at most `jobs` at once; those that break their broker one after the other, from
        the start on. Blocks.
        """
        whole = [one for one in experiments if one.broker == "shared"]
        broken = [one for one in experiments if one.broker != "shared"]
        with ExitStack() as stack:
            shared = stack.enter_context(RealKafka()) if whole else None
            threads = stack.enter_context(self._threads(jobs))
            turns = [threads.submit(self._in_turn, broken)]
            if shared is not None:
                turns += [threads.submit(self._experiment, one, shared) for one in whole]
            for turn in turns:
                turn.result()

    @contextmanager
    def _threads(self, count: int) -> Iterator[ThreadPoolExecutor]:
        with ThreadPoolExecutor(count) as threads:
            try:
                yield threads
            except BaseException:
                self._play.over.set()  # an interrupt: each ends at its next look, and stops what it started
                raise

    def _in_turn(self, experiments: Sequence[Experiment]) -> None:
        for broker in ("own", "small disk"):
            members = [one for one in experiments if one.broker == broker]
            if not members:
                continue
            try:
                with _kafka(broker) as kafka:
                    for one in members:
                        self._experiment(one, kafka)
            except NoPrivilege as refusal:
                for one in members:
                    self._note(Result(one, 0.0, skipped=f"no privilege to mount a small disk: {refusal}"))

    def _experiment(self, experiment: Experiment, kafka: RealKafka) -> None:
        if not self._play.over.is_set():
            self._note(self._outcome(experiment, kafka))

    def _outcome(self, experiment: Experiment, kafka: RealKafka) -> Result:
        folder = self._scratch / experiment.name
        folder.mkdir()
        from_s = time.monotonic()
        scene: Scene | None = None
        try:
            if not kafka.alive:
                kafka.restart()
            deadline_s = (_EXPERIMENT_S + self._play.rounds * _ROUND_S) * self._play.patience
            norms = NORMS if experiment.norms else {}
            scene = Scene(experiment.name, self._play, kafka, self._redis, folder, deadline_s, norms)
            return self._played(experiment, scene, from_s)
        except NoPrivilege as refusal:
            return Result(experiment, time.monotonic() - from_s, skipped=f"no privilege to mount a disk: {refusal}")
        except NothingFormer as refusal:
            return Result(experiment, time.monotonic() - from_s, skipped=str(refusal))
        except Exception as error:  # the edge of an experiment: whatever it was, the next one is run
            tails = scene.log_tails() if scene is not None else ""
            failure = f"{type(error).__name__}: {error}\n{tails}"
            return Result(experiment, time.monotonic() - from_s, failure=failure)
        finally:
            if scene is not None:
                scene.close()

    def _played(self, experiment: Experiment, scene: Scene, from_s: float) -> Result:
        experiment.play(scene)
        scene.await_caught_up()
        repeated = scene.replayed
        scene.stop_all()
        verdict = verdict_of(scene.deployment)
        return Result(
            experiment,
            time.monotonic() - from_s,
            verdict,
            repeated,
            tuple(scene.recoveries_s),
            wrong(experiment, verdict),
            expelled=scene.expelled,
        )

    def _note(self, result: Result) -> None:
        self.results.append(result)
        result.report()


@contextmanager
def _kafka(broker: Broker) -> Iterator[RealKafka]:
    kafka = RealKafka()
    if broker != "small disk":
        with kafka:
            yield kafka
        return
    with small_volume(kafka.folder / "kafka", DISK_MIB), kafka:
        yield kafka
