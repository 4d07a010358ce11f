"""`skillstream export`: flat files of what is published, and of what would have been, loaded into DuckDB."""

import asyncio
import gzip
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec
import pytest
from confluent_kafka import Producer

from agents.cli import export
from agents.cli.event_files import open_whole_output
from agents.kafka.embedded import PARTITIONS, EmbeddedBroker
from agents.operations.export.files import row_file
from agents.operations.export.flat import COMPONENT_TABLE, SKILL_TABLE, skill_rows
from schemas.examples import UPDATE
from schemas.update import ComponentMastery, SkillUpdate, read_update
from streams.evidence.artifacts import load_artifact
from streams.input.partitioner import partitioner
from streams.pipeline import Pipeline
from streams.replay import Replay
from streams.skills.skills_file import load_skills
from tests.agents.command import Ran, run_here
from tests.events import NOW_MS, fail_source, raw, record

DAY: Final = 24 * 60
COMPONENT: Final = ComponentMastery(component="adding fractions", p=0.7, low=0.5, high=0.85, n=12, trend=0.1)
DOCS: Final = Path(__file__).parents[2] / "docs" / "warehouses.md"
ADA: Final = msgspec.structs.replace(UPDATE, mastery=[COMPONENT], new_cohort=True)
OLDER: Final = msgspec.structs.replace(UPDATE, skills={})
BO: Final = msgspec.structs.replace(
    UPDATE, student_id='=bo,"x"\n', class_id=msgspec.UNSET, norms_version=msgspec.UNSET, degraded=[]
)
EVENTS: Final = [
    *(raw("rubric", "ada", minute=day * DAY, rating=day / 10, skill="empathy", class_id=f"c{day}") for day in range(8)),
    raw("rubric", "gone", rating=0.5),
    raw("message", "bo", minute=2 * DAY, text="Next time I would start earlier, I kept trying."),
]
AS_OF: Final = "2026-03-05T12:00:00Z"
"""Three days after the first event: four of Ada's ratings had been given by then."""


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with EmbeddedBroker() as running:
        producer = Producer({"bootstrap.servers": running.bootstrap})

        def send(topic: str, key: str, value: bytes | None, day: int = 0) -> None:
            partition = partitioner("murmur2").owning_partition(key.encode(), PARTITIONS)
            assert partition is not None
            producer.produce(topic, value, key.encode(), partition, timestamp=NOW_MS + day * 86_400_000)

        for update in (OLDER, ADA, BO):
            send("skill-updates", update.student_id, msgspec.json.encode(update))
        send("skill-updates", "erased", msgspec.json.encode(UPDATE))
        send("skill-updates", "erased", None)
        for event in EVENTS:
            send("student-activity", msgspec.json.decode(event)["student_id"], event, day=9)
        send("erasures", "gone", b"{}", day=10)
        assert producer.flush(60) == 0
        yield running.bootstrap


def exported(broker: str, *arguments: object) -> Ran:
    return run_here({"SKILLSTREAM_BROKER": broker}, "export", *map(str, arguments))


def loaded(file: Path, order: str = "student_id, skill") -> list[dict[str, Any]]:
    """What DuckDB makes of a file."""
    typed = {".csv": f"read_csv('{file}', types={{'score': 'DOUBLE', 'low': 'DOUBLE', 'class_id': 'VARCHAR'}})"}
    with duckdb.connect() as database:
        database.execute("set timezone = 'UTC'")
        relation = database.sql(f"select * from {typed.get(file.suffix, repr(str(file)))} order by {order}")
        return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def of(rows: list[dict[str, Any]], student: str, skill: str) -> Mapping[str, Any]:
    [found] = [row for row in rows if (row["student_id"], row["skill"]) == (student, skill)]
    return found


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_the_newest_update_of_each_student_is_loaded_as_one_row_a_skill(
    broker: str, tmp_path: Path, file_format: str
) -> None:
    file = tmp_path / f"skills.{file_format}"

    ran = exported(broker, f"--{file_format}", "--out", file)

    assert (ran.code, ran.err.splitlines()[-1]) == (0, "2 students")
    rows = loaded(file)
    assert [(row["student_id"], row["skill"]) for row in rows] == [
        (BO.student_id, "problem_solving"),
        (BO.student_id, "resilience"),
        ("ada", "problem_solving"),
        ("ada", "resilience"),
    ]
    score = of(rows, "ada", "problem_solving")
    assert (score["kind"], score["score"], score["low"], score["level"], score["validated"]) == (
        "score", 0.6403, None, "developing", True,
    )  # fmt: skip
    assert (score["class_id"], score["school_id"], score["degraded"]) == ("7b", "north", "behaviour")
    assert (score["seq_epoch"], score["seq_offset"], score["config_version"]) == (0, 4711, UPDATE.config_version)
    assert (score["norms_version"], score["new_cohort"]) == (UPDATE.norms_version, True)
    assert score["as_of"] == datetime(2026, 1, 5, 9, 12, tzinfo=UTC)
    profile = of(rows, BO.student_id, "resilience")
    assert (profile["kind"], profile["score"], profile["class_id"]) == ("profile", None, None)
    assert (profile["norms_version"], profile["new_cohort"]) == (None, False)
    assert msgspec.json.decode(profile["indicators"]) == {"tries_again_after_failing": [3, 4, 0.05]}


def test_components_are_a_table_of_their_own_that_joins_by_student(broker: str, tmp_path: Path) -> None:
    skills, components = tmp_path / "skills.parquet", tmp_path / "components.parquet"

    assert exported(broker, "--parquet", "--out", skills, "--components", components).code == 0

    [row] = loaded(components, "component")
    assert (row["student_id"], row["class_id"], row["component"], row["p"], row["n"]) == (
        "ada", "7b", "adding fractions", 0.7, 12,
    )  # fmt: skip
    with duckdb.connect() as database:
        joined = f"select count(*) from '{skills}' join '{components}' using (student_id, seq_epoch, seq_offset)"
        assert database.sql(joined).fetchall() == [(2,)]


def test_the_sql_of_the_docs_runs_as_it_stands(broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [sql] = re.findall(r"```sql\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    assert exported(broker, "--parquet", "--out", "skills.parquet", "--components", "components.parquet").code == 0

    with duckdb.connect() as database:
        found = [database.execute(each).fetchall() for each in sql.split(";") if each.strip()]

    assert found[2:] == [
        [("7b", "problem_solving", 1, 0.64, 0), (None, "problem_solving", 1, 0.64, 0)],
        [(BO.student_id, "tries_again_after_failing", 0.75), ("ada", "tries_again_after_failing", 0.75)],
        [],
    ]


def test_the_docs_have_all_columns() -> None:
    text = DOCS.read_text(encoding="utf-8")

    for name in (*SKILL_TABLE.columns, *COMPONENT_TABLE.columns):
        assert f"`{name}`" in text


def replayed(count: int) -> dict[str, SkillUpdate]:
    """By student, what a replay of the first events says; of nobody who was erased."""
    replay = Replay(Pipeline(load_skills("default"), load_artifact("default"), on_failure=fail_source))
    chosen = [*EVENTS[:count], EVENTS[-1]]
    taken = [record(event, offset, timestamp=NOW_MS + 9 * 86_400_000) for offset, event in enumerate(chosen)]
    updates = asyncio.run(replay.feed(taken)).updates
    return {key.decode(): read_update(update) for key, update in updates.items()}


def test_as_of_a_time_events_until_then_are_folded_again_without_the_erased(broker: str, tmp_path: Path) -> None:
    file = tmp_path / "then.jsonl"

    ran = exported(broker, "--jsonl", "--out", file, "--as-of", AS_OF)

    assert (ran.code, ran.err.splitlines()[-1]) == (0, "2 students")
    rows, meant = loaded(file), replayed(4)
    assert {row["student_id"] for row in rows} == {"ada", "bo"}
    assert len(rows) == sum(len(update.skills) for update in meant.values())
    row = of(rows, "ada", "empathy")
    assert row["score"] == meant["ada"].skills["empathy"].score  # type: ignore[union-attr]
    assert (row["class_id"], row["as_of"]) == ("c3", datetime(2026, 3, 5, 12, tzinfo=UTC))


def test_files_of_events_are_folded_up_to_the_time_or_whole(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_bytes(b"\n".join([*EVENTS[:8], b"no JSON"]))

    then = run_here({}, "export", str(events), "--jsonl", "--as-of", AS_OF)
    now = run_here({}, "export", str(events), "--jsonl")

    assert (then.code, now.code) == (1, 1)
    assert "1 records, or parts of them, cannot be read" in now.err
    for ran, class_id in ((then, "c3"), (now, "c7")):
        assert {row["class_id"] for row in ran.lines} == {class_id}


def test_what_is_no_update_is_left_out_and_said(tmp_path: Path) -> None:
    with EmbeddedBroker() as running:
        producer = Producer({"bootstrap.servers": running.bootstrap})
        producer.produce("skill-updates", b'{"a": 1}', b"foreign", 0)
        producer.produce("skill-updates", msgspec.json.encode(UPDATE), b"ada", 0)
        assert producer.flush(60) == 0

        ran = exported(running.bootstrap, "--csv")

    assert ran.code == 1
    assert "1 records, or parts of them, cannot be read" in ran.err
    assert len(ran.text.splitlines()) == 1 + len(UPDATE.skills)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((), "name a format"),
        (("--parquet",), "needs --out FILE"),
        (("--csv", "--out", "a", "--components", "a"), "cannot write to the same place"),
        (("--csv", "--as-of", "soon"), "'soon' is no time"),
        (("--csv", "--skills", "default"), "--skills needs --as-of or FILES"),
        (("--csv", "--out", "a", "a"), "a is read: write to another file"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: tuple[str, ...], what: str) -> None:
    ran = run_here({}, "export", *arguments)

    assert (ran.code, what in ran.err) == (2, True), ran.err


def test_without_pyarrow_parquet_is_refused_with_the_command_that_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "find_spec", lambda _name: None)

    ran = run_here({}, "export", "--parquet", "--out", "a")

    assert (ran.code, "pip install 'skillstream[parquet]'" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("name", "said"),
    [("none/skills.csv", "skills.csv: No such file or directory"), (".", "Is a directory"), ("", "Is a directory")],
)
def test_a_file_that_cannot_be_made_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("events.jsonl").write_bytes(EVENTS[0])

    ran = run_here({}, "export", "events.jsonl", "--csv", "--out", name)

    assert (ran.code, said in ran.err) == (3, True), ran.err


def test_a_file_whose_name_ends_in_gz_is_compressed(tmp_path: Path) -> None:
    events, file = tmp_path / "events.jsonl", tmp_path / "skills.csv.gz"
    events.write_bytes(EVENTS[0])

    printed = run_here({}, "export", str(events), "--csv", "--as-of", AS_OF)
    written = run_here({}, "export", str(events), "--csv", "--as-of", AS_OF, "--out", str(file))

    assert (printed.code, written.code, written.out) == (0, 0, b"")
    assert gzip.decompress(file.read_bytes()) == printed.out


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_a_file_that_was_not_written_whole_leaves_what_was_there(tmp_path: Path, file_format: Any) -> None:
    file = tmp_path / "skills"
    file.write_bytes(b"former")

    def fail() -> None:
        with open_whole_output(str(file)) as output, row_file(output, file_format, SKILL_TABLE) as rows:
            rows.write(list(skill_rows(UPDATE)))
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert [path.name for path in tmp_path.iterdir()] == ["skills"]
    assert file.read_bytes() == b"former"
