"""What dialects have in common: one page, one mapping, one way in; and CloudEvents that carry the others."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, get_args

import orjson
import pytest

from agents.cli.dialects_page import page_of_dialects
from agents.cli.skills_by_dialect import DefaultSkills
from agents.config.dialects import load_dialects
from agents.config.settings import SettingsError, load_settings
from schemas import event as e
from schemas.dialects import Decoded, Dialects
from schemas.dialects.act import KINDS
from schemas.dialects.caliper.v1p1 import V1P1
from schemas.dialects.caliper.v1p2 import V1P2
from schemas.dialects.mapping import Mapping
from schemas.dialects.xapi.verbs import VERBS
from tests.cli.conftest import Run
from tests.cli.conftest import run as run  # the fixture
from tests.contract.caliper_events import caliper, envelope
from tests.contract.xapi_statements import ADL, ID, statement
from tests.events import NOW, record

DOCS: Final = Path(__file__).parents[2] / "docs"
MAPPING: Final = DOCS / "mapping.toml"
PLAIN: Final = Dialects()
MAPPED: Final = load_dialects(str(MAPPING))


def within(data: object, **attributes: object) -> dict[str, Any]:
    """A CloudEvent that carries `data`."""
    return {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/lrs",
        "type": "org.example.learning",
        "data": data,
    } | attributes


def read(document: object, dialects: Dialects = PLAIN) -> Decoded:
    return dialects.decode(record(orjson.dumps(document)))


def test_the_committed_page_is_what_the_tables_say() -> None:
    assert (DOCS / "dialects.md").read_text("utf-8") == page_of_dialects(), (
        "run: skillstream dialects > docs/dialects.md"
    )


def test_every_kind_and_every_type_of_native_event_is_on_the_page() -> None:
    fed = list(DefaultSkills().fed())

    assert [each.kind for each in fed if each.kind] == list(KINDS)
    assert {each.event for each in fed} | {"voided"} == {
        struct.__struct_config__.tag for struct in get_args(e.NativeEvent)
    }
    assert {skill for each in fed for skill in each.skills} == set(DefaultSkills().names)


def test_every_verb_and_action_is_on_the_page() -> None:
    lines = page_of_dialects().splitlines()

    for verb in VERBS:
        assert any(f"`{end}`" in line for end in ends_of(verb) for line in lines), verb
    for version in (V1P1, V1P2):
        for kind, actions in version.events.items():
            of_kind = [line for line in lines if line.startswith(f"| `{kind}` |")]
            for action, usage in actions.items():
                assert any(f"`{action}`" in line and f"| `{usage.kind}` |" in line for line in of_kind), (kind, action)


def ends_of(iri: str) -> list[str]:
    """What may be left of an IRI below a prefix."""
    parts = iri.split("/")
    return ["/".join(parts[-count:]) for count in (1, 2)]


def test_the_command_prints_the_page_and_compares_it(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.md"
    other.write_text("# Dialects\n", encoding="utf-8")

    assert run("dialects").out == page_of_dialects()
    assert run("dialects", "--check", DOCS / "dialects.md").code == 0
    assert run("dialects", "--check", other).code == 1
    assert run("dialects", "--check", tmp_path / "none").code == 3


def test_the_mapping_of_the_documentation_maps_verbs_and_students() -> None:
    north = {"account": {"homePage": "https://lms.north.example/users", "name": "17"}}
    south = {"account": {"homePage": "https://lms.south.example", "name": "17"}}
    peeked = statement("https://lms.north.example/verbs/peeked", actor=north)
    subscribed = caliper("ForumEvent", "Subscribed", {"id": "https://lms.south.example/f", "type": "Forum"})
    subscribed["actor"] = {"id": "https://id.example.edu/17", "type": "Person"}

    [ignored] = read(peeked).ignored
    assert (ignored.dialect, ignored.name) == ("xapi", "https://lms.north.example/verbs/peeked")
    [hint] = read(peeked, MAPPED).events
    assert (type(hint), hint.student_id) == (e.Hint, "north:17")
    [answer] = read(statement(actor=south, result={"success": True}), MAPPED).events
    assert answer.student_id == "south:17"
    [navigation] = read(subscribed).events
    [start] = read(subscribed, MAPPED).events
    assert (type(navigation), type(start), start.student_id) == (e.Navigation, e.Session, "17")


def test_the_mapping_of_the_documentation_maps_a_verb_by_what_it_is_done_to_and_types_to_families() -> None:
    sent, exam = "https://lms.north.example/verbs/sent", "https://lms.north.example/types/exam"
    report = "http://id.tincanapi.com/activitytype/research-report"
    written = {"result": {"response": "I tried again"}}

    assert [
        type(read(statement(did, about, **written), MAPPED).events[0])
        for did, about in (
            (sent, ""),
            (sent, report),
            (sent, "https://lms.north.example/types/log"),
            (f"{ADL}completed", exam),
        )
    ] == [e.Message, e.Submission, e.Reflection, e.Submission]
    assert type(read(statement(f"{ADL}completed", exam)).events[0]) is e.Session


def test_the_mapping_of_the_documentation_names_the_course_that_another_is_a_copy_of() -> None:
    assert Mapping.load(MAPPING).norms.courses == {"AAA-2014J": "AAA-2013J"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("xapi = 1", "xapi"),
        ("[xapi]\n'urn:a' = {'' = 'attmept'}", "'attmept'"),
        ("[xapi]\n'urn:a' = {vidoe = 'attempt'}", "'vidoe'"),
        ("[activity_types]\n'urn:a' = 'vidoe'", "'vidoe'"),
        ("[xapi]\n'urn:a' = 'attmept'", "'attmept'"),
        ("[students]\nprefix = 'a'", "students"),
        ("[[students]]\nkey = 'a'", "prefix"),
        ("[verbs]\na = 'hint'", "verbs"),
        ("[components]\nxapi = ['skill']", "'skill'"),
        ("[components]\nmoodle = ['skill']", "moodle"),
        ("[components]\nxapi = 7", "xapi"),
        ("[norms.courses]\n'2014' = '2014'", "'2014'"),
        ("[norms.courses]\n'2014' = ''", "'2014'"),
        ("[norms]\ncourse = {}", "course"),
        ("[xapi", "Expected"),
        ("\xff", "utf-8"),
    ],
)
def test_a_mapping_that_is_wrong_is_a_settings_error_that_names_the_file(
    text: str, said: str, tmp_path: Path, run: Run
) -> None:
    path = tmp_path / "mapping.toml"
    path.write_bytes(text.encode("latin-1"))

    with pytest.raises(SettingsError) as error:
        load_dialects(load_settings({"SKILLSTREAM_MAPPING": str(path)}).mapping)
    assert str(error.value).startswith(f"mapping file {path}: ")
    assert said in str(error.value)
    assert run("replay", "-", "--mapping", path).code == 2


def test_a_mapping_that_is_not_there_is_a_settings_error_and_none_is_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"mapping file .*none\.toml: No such file"):
        load_dialects(str(tmp_path / "none.toml"))
    assert load_settings({"SKILLSTREAM_MAPPING": ""}).mapping is None


def test_a_replay_counts_by_the_mapping(run: Run) -> None:
    peeked = orjson.dumps(statement("https://lms.north.example/verbs/peeked"))

    plain, mapped = (run("replay", "-", "--json", *more, stdin=peeked) for more in ((), ("--mapping", MAPPING)))

    assert [orjson.loads(ran.out)["applied"] for ran in (plain, mapped)] == [0, 1]
    assert [orjson.loads(ran.out)["ignored"] for ran in (plain, mapped)] == [1, 0]


def test_a_cloudevent_carries_an_event_of_any_dialect() -> None:
    answered = statement(result={"success": True})
    viewed = caliper("ViewEvent", "Viewed", {"id": "https://school.example/p", "type": "WebPage"})
    posted = caliper("MessageEvent", "Posted", {"id": "https://school.example/m", "type": "Message"})

    [attempt] = read(within(answered)).events
    assert (type(attempt), attempt.student_id) == (e.Attempt, "https://school.example/ada")
    [page_of_dialects] = read(within(viewed)).events
    assert (type(page_of_dialects), page_of_dialects.event_id) == (e.Navigation, "/lrs e-1")
    assert [event.event_id for event in read(within(envelope(viewed, posted))).events] == ["/lrs|0 e-1", "/lrs|1 e-1"]


def test_parts_of_a_cloudevent_keep_their_ids_when_others_mend() -> None:
    good = caliper("ViewEvent", "Viewed", {"id": "https://school.example/p", "type": "WebPage"})
    bad = {**good, "eventTime": "yesterday"}

    broken, mended = (read(within(envelope(first, good))) for first in (bad, good))

    assert [invalid.index for invalid in broken.invalid] == [0]
    assert [event.event_id for event in broken.events] == ["/lrs|1 e-1"]
    assert [event.event_id for event in mended.events] == ["/lrs|0 e-1", "/lrs|1 e-1"]


def test_a_statement_in_a_cloudevent_can_still_be_voided() -> None:
    [said] = read(within(statement(result={"success": True}))).events
    voids = statement(f"{ADL}voided", id=None, object={"objectType": "StatementRef", "id": ID})
    [voided] = read(within(voids, id="e-2")).events

    assert isinstance(voided, e.Voided)
    assert said.voidable
    assert (voided.voided_id, voided.event_id) == (said.event_id, "/lrs e-2")


def test_a_statement_in_a_cloudevent_is_refused_as_it_is_outside_of_one() -> None:
    wrong = statement(timestamp="yesterday")
    [outside], [inside] = read(wrong).invalid, read(within(wrong)).invalid

    assert outside == inside
    [ignored] = read(within(statement("https://example.org/unheard-of"))).ignored
    assert (ignored.dialect, ignored.name) == ("xapi", "https://example.org/unheard-of")


def test_a_statement_in_a_cloudevent_that_says_no_time_happened_when_the_cloudevent_says() -> None:
    time = "2026-03-02T13:00:00.25+02:00"
    silent, stored = statement(timestamp=None), statement(timestamp=None, stored="2026-03-02T10:00:00Z")

    [said], [kept], [sent] = (
        read(document).events for document in (within(silent, time=time), within(stored, time=time), within(silent))
    )

    assert said.time == datetime(2026, 3, 2, 11, 0, 0, 250_000, UTC)
    assert kept.time == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert sent.time == NOW + timedelta(hours=1)
