"""`skillstream convert csv`: rows of a log of one's own, as native events, by a mapping."""

import csv
import gzip
import io
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final, get_args

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.conversion.csv_events import CsvEvents
from streams.conversion.csv_mapping import CsvMapping, EventType, fields_of
from tests.cli.conftest import Ran, Run

DOCS: Final = Path(__file__).parents[2] / "docs"
MAPPING: Final = """
[time]
column = "when"
timezone = "UTC"

[fields]
student_id = "who"

[[events]]
type = "attempt"
when = { what = ["answered"] }
[events.fields]
item_id = "task"
score = { column = "points", out_of = 10 }
success = { column = "verdict", values = { ok = true, wrong = false } }
kcs = "topics"
attempt = { column = "try", default = 1 }

[[events]]
type = "hint"
when = { what = ["help"] }
[events.fields]
item_id = "task"
"""
HEADER: Final = "when,who,what,task,points,verdict,topics,try"
GOOD: Final = "2026-01-05T10:00:00,ada,answered,t1,8,ok,adding; carrying,2"


def convert(run: Run, folder: Path, rows: str, *arguments: object, mapping: str = MAPPING) -> Ran:
    """Of a file with these rows; without arguments, to events.jsonl."""
    (folder / "log.csv").write_text(rows, encoding="utf-8")
    (folder / "log.toml").write_text(mapping, encoding="utf-8")
    given = arguments or ("--out", folder / "events.jsonl")
    return run("convert", "csv", folder / "log.csv", "--mapping", folder / "log.toml", *given)


def events(folder: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (folder / "events.jsonl").read_bytes().splitlines()]


def test_rows_become_events_of_the_first_type_that_they_fit(run: Run, tmp_path: Path) -> None:
    help_row = "2026-01-05T10:05:00+01:00,ada,help,t1,,,,"
    ran = convert(run, tmp_path, f"{HEADER}\n{GOOD}\n{help_row}\n2026-01-05,ada,elsewhere,,,,,\n\n")

    assert ran.code == 0
    assert [line.split() for line in ran.out.splitlines()] == [
        ["rows", "3"],
        ["unreadable", "0"],
        ["passed_over", "1"],
        ["events:", "attempt", "1"],
        ["events:", "hint", "1"],
    ]
    attempt, hint = events(tmp_path)
    assert {name: value for name, value in attempt.items() if name != "event_id"} == {
        "type": "attempt",
        "version": 1,
        "student_id": "ada",
        "time": "2026-01-05T10:00:00Z",
        "item_id": "t1",
        "score": 0.8,
        "success": True,
        "attempt": 2,
        "kcs": ["adding", "carrying"],
    }
    assert (hint["type"], hint["time"]) == ("hint", "2026-01-05T10:05:00+01:00")
    assert run("replay", tmp_path / "events.jsonl", "--json", "--model", "none").code == 0


def test_ids_are_made_of_rows_so_that_a_file_converted_again_repeats_them(run: Run, tmp_path: Path) -> None:
    other = GOOD.replace("ada", "bo")
    convert(run, tmp_path, f"{HEADER}\n{GOOD}\n{other}\n")
    first = [event["event_id"] for event in events(tmp_path)]
    convert(run, tmp_path, f"{HEADER}\n{other}\n{GOOD}\n")

    assert [event["event_id"] for event in events(tmp_path)] == first[::-1]
    assert len(set(first)) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"points": "eleven"}, "column \"points\": 'eleven' is not a number"),
        ({"points": "11"}, "column \"points\": '11' is not a number of 0..1"),
        ({"points": "inf"}, "column \"points\": 'inf' is not a number"),
        ({"points": ""}, 'column "points": is empty, and attempt needs score'),
        ({"verdict": "so-so"}, "column \"verdict\": 'so-so' is not one of ok, wrong, which the mapping names"),
        ({"try": "0"}, "column \"try\": '0' is not a whole number of 1..1000000"),
        ({"try": "1.5"}, "column \"try\": '1.5' is not a whole number"),
        ({"when": "yesterday"}, "column \"when\": 'yesterday' is no time in ISO 8601"),
        ({"when": ""}, 'column "when": is empty'),
        ({"when": "1970-01-01T00:00:00Z"}, "absurd_time: the event's time is before 1990"),
        ({"who": ""}, 'column "who": is empty, and attempt needs student_id'),
        ({"who": "x" * 300}, 'column "who": Expected `str` of length <= 256'),
        ({"topics": ";".join(map(str, range(9)))}, 'column "topics": Expected `array` of length'),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_column_and_the_others_go_on(
    change: dict[str, str], said: str, run: Run, tmp_path: Path
) -> None:
    bad = ",".join({**dict(zip(HEADER.split(","), GOOD.split(","), strict=True)), **change}.values())
    ran = convert(run, tmp_path, f"{HEADER}\n{bad}\n{GOOD}\n")

    assert ran.code == 0
    assert f"log.csv:2: unreadable row: {said}" in ran.err
    assert len(events(tmp_path)) == 1


def test_a_row_of_too_few_cells_is_bad_and_lines_within_quotes_count(run: Run, tmp_path: Path) -> None:
    quoted = GOOD.replace("t1", '"a\ntask, of two lines"')
    ran = convert(run, tmp_path, f"{HEADER}\n{quoted}\nonly,three,cells\n")

    assert "log.csv:4: unreadable row: has 3 cells, the first row has 8" in ran.err
    assert events(tmp_path)[0]["item_id"] == "a\ntask, of two lines"


def test_of_many_bad_rows_the_first_are_listed_and_the_rest_counted(run: Run, tmp_path: Path) -> None:
    ran = convert(run, tmp_path, "\n".join([HEADER, GOOD, *["x,ada,help,t1,,,,"] * 8]))

    assert ran.err.count("unreadable row") == 5
    assert "and 3 more that cannot be read" in ran.err


def test_where_no_row_is_an_event_it_is_code_2_and_what_was_there_stays(run: Run, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text("former")
    ran = convert(run, tmp_path, f"{HEADER}\n2026-01-05,ada,elsewhere,,,,,\n")

    assert (ran.code, ran.out) == (2, "")
    assert "no row is an event: of 1, 0 cannot be read, and 1 fit no [[events]] of the mapping" in ran.err
    assert (tmp_path / "events.jsonl").read_text() == "former"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.jsonl", "log.csv", "log.toml"]


def test_a_dry_run_shows_the_first_events_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    ran = convert(run, tmp_path, "\n".join([HEADER, *[GOOD] * 9]), "--dry-run")

    shown = [line for line in ran.out.splitlines() if line.startswith("{")]
    assert (ran.code, len(shown)) == (0, 5)
    assert orjson.loads(shown[0])["score"] == 0.8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv", "log.toml"]


def test_json_and_standard_output_are_for_programs(run: Run, tmp_path: Path) -> None:
    ran = convert(run, tmp_path, f"{HEADER}\n{GOOD}\nx,ada,help,t,,,,\n", "--dry-run", "--json")
    assert orjson.loads(ran.out) == {"rows": 2, "unreadable": 1, "passed_over": 0, "events": {"attempt": 1}}
    assert ran.err == ""


def test_a_compressed_file_in_another_encoding_with_numbers_and_times_of_ones_own(run: Run, tmp_path: Path) -> None:
    mapping = """
encoding = "cp1252"
delimiter = ";"
decimal = ","
[time]
column = "Zeit"
format = "%d.%m.%Y %H:%M"
timezone = "Europe/Berlin"
[[events]]
type = "attempt"
[events.fields]
student_id = "Schüler"
item_id = "Aufgabe"
score = { column = "Punkte", out_of = "von" }
source = { constant = "Übung" }
"""
    rows = "Zeit;Schüler;Aufgabe;Punkte;von\n05.07.2026 10:00;Zoë;Brüche;2,5;10\n"
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress(rows.encode("cp1252")))
    (tmp_path / "log.toml").write_text(mapping, encoding="utf-8")
    out = tmp_path / "events.jsonl"

    assert run("convert", "csv", tmp_path / "log.csv.gz", "--mapping", tmp_path / "log.toml", "--out", out).code == 0
    [event] = events(tmp_path)
    assert (event["student_id"], event["item_id"], event["score"], event["source"]) == ("Zoë", "Brüche", 0.25, "Übung")
    assert datetime.fromisoformat(event["time"]) == datetime.fromisoformat("2026-07-05T10:00:00+02:00")


@pytest.mark.parametrize(
    ("form", "cell"),
    [("unix", "1767607200"), ("unix_ms", "1767607200000"), ("%Y%m%dT%H%M%S%z", "20260105T100000+0000")],
)
def test_times_in_other_forms(form: str, cell: str, run: Run, tmp_path: Path) -> None:
    mapping = MAPPING.replace('timezone = "UTC"', f'format = "{form}"')

    assert convert(run, tmp_path, f"{HEADER}\n{GOOD.replace('2026-01-05T10:00:00', cell)}\n", mapping=mapping).code == 0
    assert datetime.fromisoformat(events(tmp_path)[0]["time"]).timestamp() == 1767607200


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"who"', '"hwo"', "the first row has no column 'hwo', which fields.student_id names. Did you mean who?"),
        ('"points"', '"marks"', "no column 'marks', which events.0.fields.score names. There are when, who, what"),
        ('type = "hint"', 'type = "hnit"', "line 20: events.1.type: 'hnit' is not one of attempt, collaboration"),
        ("score = { column", "scor = { column", "events.0.fields: attempt has no field 'scor'. Did you mean score?"),
        ('item_id = "task"\nscore', "score", "events.0: attempt needs item_id: name its column"),
        ("[time]", "[tiem]", "line 2: tiem: there is no such key. Did you mean time?"),
        ('timezone = "UTC"', 'timezone = "Mars"', "time.timezone: 'Mars' is no time zone that this computer knows"),
        ('timezone = "UTC"', 'format = "%d.%m.%Y"', "time: '%d.%m.%Y' has no offset (%z): say the timezone"),
        ('timezone = "UTC"', "", "log.csv:2: unreadable row: column \"when\": '2026-01-05T10:00:00' has no offset"),
        ('{ column = "points", out_of = 10 }', "{ out_of = 10 }", "events.0: score has a column or a constant"),
        ("[time]", 'encoding = "klingon"\n[time]', "encoding: 'klingon' is no text encoding"),
        ("[time]", 'delimiter = ",,"\n[time]', "line 2: delimiter: ',,' is not a text of the form ."),
        ("[fields]", '[fields]\nrating = "points"', "fields: no event has a field 'rating'."),
        ("[[events]]", "[[events", "Expected"),
    ],
)
def test_a_mapping_that_is_wrong_is_code_2_and_says_where(
    old: str, new: str, said: str, run: Run, tmp_path: Path
) -> None:
    ran = convert(run, tmp_path, f"{HEADER}\n{GOOD}\n", mapping=MAPPING.replace(old, new, 1) if old in MAPPING else "")

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert not (tmp_path / "events.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere.csv", "--mapping", "log.toml", "--dry-run"], 3, "nowhere.csv: no such file"),
        (["log.csv", "--mapping", "nowhere.toml", "--dry-run"], 3, "nowhere.toml: No such file"),
        (["log.csv", "--mapping", "log.toml"], 2, "--out FILE, or --dry-run"),
        (["log.csv", "--mapping", "log.toml", "--out", "log.csv"], 2, "is read: write to another file"),
        (["log.csv", "--mapping", "log.toml", "--out", "none/x"], 3, "none/x"),
        (["binary.csv", "--mapping", "log.toml", "--dry-run"], 2, "binary.csv: 'utf-8' codec can't decode"),
        (["twice.csv", "--mapping", "log.toml", "--dry-run"], 2, "the first row has the column 'who' twice"),
        (["empty.csv", "--mapping", "log.toml", "--dry-run"], 2, "no column 'when', which time.column names"),
    ],
)
def test_what_is_out_of_reach_or_no_csv_is_said_in_a_line(
    arguments: list[str], code: int, said: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("log.csv").write_text(f"{HEADER}\n{GOOD}\n")
    Path("log.toml").write_text(MAPPING)
    Path("binary.csv").write_bytes(b"when,who\n\x80abc")
    Path("twice.csv").write_text("when,who,who\n")
    Path("empty.csv").write_text("")

    ran = run("convert", "csv", *arguments)
    assert ran.code == code
    assert said in ran.err


def test_the_mapping_of_the_documentation_is_one(run: Run, tmp_path: Path) -> None:
    mapping = (DOCS / "csv-mapping.toml").read_text("utf-8")
    header = "timestamp,learner,course,row_id,action,task,points,most,verdict,try,seconds,topics,deadline,text"
    rows = [
        "2026-01-05T10:00:00,ada,c1,r1,answered,t1,8,10,ok,,42,adding|carrying,,",
        "2026-01-05T10:01:00,ada,c1,r2,handed in,essay,,,,,,,2026-01-06T10:00:00,",
        "2026-01-05T10:02:00,ada,c1,r3,posted,,,,,,,,,I see",
        "2026-01-05T10:03:00,ada,c1,r4,signed out,,,,,,,,,",
    ]
    ran = convert(run, tmp_path, "\n".join([header, *rows]), mapping=mapping)

    assert (ran.code, ran.err) == (0, "")
    assert [event["type"] for event in events(tmp_path)] == ["attempt", "submission", "message", "session"]
    assert [event["event_id"] for event in events(tmp_path)] == ["r1", "r2", "r3", "r4"]
    assert events(tmp_path)[1]["due"] == "2026-01-06T10:00:00+01:00"


def test_the_example_of_the_documentation_prints_what_the_page_says(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run as written on a real Kafka by tests/integration/test_docs_examples.py, too."""
    page = (DOCS / "producing.md").read_text("utf-8").partition("## Your own logs, in CSV")[2]
    for name, text in re.findall(r"cat > (\S+) <<'\w+'\n(.*?)\n[A-Z]+\n", page, re.DOTALL):
        (tmp_path / name).write_text(text + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    ran = run("convert", "csv", "log.csv", "--mapping", "log.toml", "--dry-run")

    printed = page.partition("```text\n")[2].partition("```")[0].splitlines()
    found = (ran.out + ran.err).splitlines()
    wanted = [re.escape(line.strip()).replace("…", "[0-9a-f]{32}") for line in printed]
    assert all(any(re.fullmatch(line, each.strip()) for each in found) for line in wanted), found


@given(text=st.text(st.sampled_from('answered,help\n"10T:-.;\x00é 2026'), max_size=60))
@settings(max_examples=60, deadline=None)
def test_whatever_a_row_holds_it_is_an_event_or_says_what_is_wrong(text: str) -> None:
    rows = CsvEvents(CsvMapping.read(MAPPING)).read(io.StringIO(f"{HEADER}\n{text}\n2026-01-05,{text},help,{text}\n"))
    with suppress(csv.Error):  # a quote that never ends
        for row in rows:
            assert (row.event is None) or not row.wrong


@pytest.mark.parametrize("type", get_args(EventType))
def test_every_type_of_event_can_be_mapped(type: str) -> None:
    required = {name for name, field in fields_of(type).items() if field.required}
    lines = "\n".join(f'{name} = "{name}"' for name in required - {"event_id"})

    mapping = CsvMapping.read(f'[time]\ncolumn = "t"\n[[events]]\ntype = "{type}"\n[events.fields]\n{lines}')
    assert mapping.events[0].type == type
