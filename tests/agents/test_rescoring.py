"""Scoring all students anew: by a worker on the embedded broker, and piece by piece with a writer that says no."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.delivery.step import BatchResult
from agents.worker.outputs import Outputs
from agents.worker.rescoring import Rescorer, RescoringStep
from schemas.fusion_config import Overrides
from schemas.update import SkillUpdate, read_update
from streams.context import first_epoch
from streams.evidence.artifacts import NO_ARTIFACT
from streams.input.checkpoint import InputCheckpoint, RescoreId
from streams.input.signature import HeaderKeys
from streams.pipeline import Pipeline
from streams.rows.codec import decode_row, encode_row
from streams.rows.row import Row
from streams.rows.table import PartitionedRows
from streams.scoring.config_log import RescoreEntry
from streams.scoring.updates import rfc3339
from tests.agents.config_commands import by_configuration, told
from tests.agents.delivery_cluster import until
from tests.agents.deployment import Deployment, Sent, deployed
from tests.artifacts import stored_of_a_former_trainer
from tests.events import NOW_US, default_skills, fail_source, processed, raw, records, rows_of, scores_of

OUTPUTS = Outputs(Channels.of(Settings()), HeaderKeys().sign, first_epoch, lambda: NOW_US)
LOUD = Overrides(weights={"problem_solving": {"behaviour": 2.5}})
ERASED = "s3"
STUDENTS = [f"s{number}" for number in range(20)]


# -- whole, on a broker


@pytest.fixture
def deployment(broker: str, tmp_path: Any) -> Iterator[Deployment]:
    model = stored_of_a_former_trainer(tmp_path / "former")
    with deployed(broker, tmp_path, model=str(model), fusion_config_poll_s=0.05) as made:
        yield made


@pytest.mark.long
def test_all_students_are_scored_anew_once_without_an_event_and_the_erased_stay_erased(deployment: Deployment) -> None:
    worker = deployment.start()
    deployment.send(Sent(s.encode(), raw("control", s, controls={"a": 1.0, "b": 0.0})) for s in STUDENTS)
    deployment.send(Sent(s.encode(), raw(student=s, event_id=f"{s}{n}")) for n in range(3) for s in STUDENTS)
    deployment.await_caught_up()
    deployment.send([Sent(ERASED.encode(), b"{}")], deployment.channels.erasures)
    deployment.await_caught_up()
    [plain] = by_configuration(deployment)
    told(deployment, "config", "set", "--weight", "problem_solving.behaviour=2.5")
    assert by_configuration(deployment) == {plain: len(STUDENTS) - 1}, "it applies at the next event"

    told(deployment, "rescore", "--reason", "for the report")
    until(lambda: plain not in by_configuration(deployment), "all are scored anew")

    updates: defaultdict[str, list[SkillUpdate]] = defaultdict(list)
    for update in deployment.updates():
        updates[update.student_id].append(update)
    for student in set(STUDENTS) - {ERASED}:
        *_, before, after = updates[student]
        assert (after.seq, after.as_of) == (before.seq, before.as_of)
        assert (before.config_version, after.config_version) == (plain, *by_configuration(deployment))
        assert scores_of(after)["problem_solving"].score != scores_of(before)["problem_solving"].score
    assert [r.value for r in deployment.records(deployment.channels.updates) if r.key == ERASED.encode()][-1] is None
    until(lambda: worker.log.count(" is rescored: ") == 4, "each partition is done")
    assert "because: for the report" in worker.log
    assert worker.metrics()["rescored_students_total"] == len(STUDENTS) - 1

    deployment.send([Sent(STUDENTS[0].encode(), raw(student=STUDENTS[0], event_id="later"))])
    deployment.await_caught_up()
    verified = told(deployment, "verify", "--json").lines[-1]
    assert (verified["ok"], verified["notes"]) == (True, [])
    assert worker.terminate() == 0
    second = deployment.start()
    second.await_ready()
    deployment.send([Sent(b"new", raw(student="new"))])
    deployment.await_caught_up()
    assert "Rescoring" not in second.log, "the checkpoints remember that it was carried out"
    assert [record["key"] for record in told(deployment, "config", "history", "--json").lines][-1] == "rescore"


# -- piece by piece


@dataclass
class Identity:
    """What partitions remember."""

    remembered: dict[int, RescoreId] = field(default_factory=dict)

    def rescored(self, partition: int) -> RescoreId | None:
        return self.remembered.get(partition)

    def note_rescored(self, partition: int, request: RescoreId) -> InputCheckpoint | None:
        self.remembered[partition] = request
        return None


@dataclass
class Writer:
    """Publishes to memory; before each step `on_step` is called, which may refuse it."""

    rows: PartitionedRows
    on_step: Callable[[int], bool] = lambda _steps: True
    steps: int = 0
    updates: list[SkillUpdate] = field(default_factory=list)

    async def apply(self, partition: int, step: Callable[[], Awaitable[BatchResult]]) -> bool:
        self.steps += 1
        if not self.on_step(self.steps):
            return False
        result = await step()
        self.rows.put_many(partition, result.rows)
        self.updates += [read_update(output.value or b"") for output in result.outputs]
        return True


class _Over(Exception):
    """What a test waited for has come."""


class Worker:
    """A rescorer with rows of so many students, on partition 2."""

    def __init__(self, students: int, **given: Any) -> None:
        self.pipeline = Pipeline(default_skills(), NO_ARTIFACT, on_failure=fail_source)
        [row] = rows_of(processed(records([raw(minute=n, event_id=f"e{n}") for n in range(3)]), scores=True)).values()
        self.row = row
        self.rows = PartitionedRows()
        self.rows.put_many(2, {b"s%d" % number: row for number in range(students)})
        self.identity, self.writer, self.counted = Identity(), Writer(self.rows), 0
        self.pipeline.scorer = self.pipeline.scorer_with(LOUD)
        step = RescoringStep(self.pipeline, self.rows, OUTPUTS, self.count)
        asked = RescoreEntry("", 7, 1_000)
        settings = {"request": lambda: asked, "owned": frozenset, "students_per_s": 1_000_000, **given}
        self.rescorer = Rescorer(step, self.writer, self.rows, self.identity, **settings)  # type: ignore[arg-type]

    def count(self, students: int) -> None:
        self.counted += students

    def run_until(self, condition: Callable[[], bool]) -> None:
        def owned() -> frozenset[int]:
            if condition():
                raise _Over
            return frozenset({2})

        self.rescorer.owned = owned
        with pytest.raises(_Over):
            asyncio.run(asyncio.wait_for(self.rescorer.run(), 30))

    @property
    def is_done(self) -> bool:
        return self.identity.rescored(2) == (7, 1_000)


def test_rows_get_the_scores_of_the_updates_and_nothing_else_of_them_changes() -> None:
    worker = Worker(1_100)
    worker.run_until(lambda: worker.is_done)

    before, after = decode_row(worker.row), decode_row(worker.rows.get(2, b"s77") or b"")
    assert worker.writer.steps == 1 + 3 + 1
    assert worker.counted == len(worker.writer.updates) == 1_100
    assert {update.config_version for update in worker.writer.updates} == {worker.pipeline.config_version}
    assert {update.generated_at for update in worker.writer.updates} == {rfc3339(NOW_US)}
    assert before != after
    for row in (before, after):
        for skill in row.skills.values():
            skill.score = skill.confidence = 0.0
    assert before == after


def test_the_erased_and_those_who_are_gone_are_passed_over() -> None:
    worker = Worker(3)
    worker.rows.put(2, b"s1", encode_row(Row(erased_us=5)))
    tombstone = worker.rows.get(2, b"s1")

    def one_goes(steps: int) -> bool:
        if steps == 2:
            worker.rows.put(2, b"s0", None)
        return True

    worker.writer.on_step = one_goes
    worker.run_until(lambda: worker.is_done)

    assert [update.student_id for update in worker.writer.updates] == ["s2"]
    assert worker.rows.get(2, b"s1") == tombstone


@pytest.mark.parametrize("moves", [True, False])
def test_what_is_interrupted_is_begun_again_and_counts_as_done_only_when_whole(moves: bool) -> None:
    worker = Worker(1_100)

    def second_fails(steps: int) -> bool:
        if steps == 3:
            worker.rows.put(2, b"new", worker.row)  # of another owner
            if moves:
                worker.rescorer.interrupt()
            return moves
        return True

    worker.writer.on_step = second_fails
    worker.run_until(lambda: worker.is_done)

    said = [update.student_id for update in worker.writer.updates]
    assert len(said) == (2 if moves else 1) * 500 + 1_101
    assert "new" in said


def test_a_partition_that_moves_before_it_is_remembered_is_done_again() -> None:
    worker = Worker(3)

    def moves_at_the_end(steps: int) -> bool:
        if steps == 3:
            worker.rescorer.interrupt()
        return True

    worker.writer.on_step = moves_at_the_end
    worker.run_until(lambda: worker.is_done)

    assert len(worker.writer.updates) == 2 * 3


def test_a_student_whose_first_batch_was_under_way_when_it_was_asked_is_scored_anew_as_well() -> None:
    worker = Worker(3)

    def the_batch_ends_first(steps: int) -> bool:
        if steps == 1:
            worker.rows.put(2, b"new", worker.row)
        return True

    worker.writer.on_step = the_batch_ends_first
    worker.run_until(lambda: worker.is_done)

    assert {update.student_id for update in worker.writer.updates} == {"s0", "s1", "s2", "new"}


def test_a_newer_request_is_carried_out_as_well_and_an_old_one_never_again() -> None:
    requests = [RescoreEntry("", 7, 1_000)]
    worker = Worker(3, request=lambda: requests[-1])
    worker.run_until(lambda: worker.is_done)
    requests.append(replace(requests[0], offset=9))
    worker.run_until(lambda: worker.identity.rescored(2) == (9, 1_000))

    assert len(worker.writer.updates) == 2 * 3
