"""`skillstream platforms`: its output is a part of a skills file."""

from pathlib import Path

from streams.skills.skills_file import load_skills, skills_path
from tests.cli.conftest import Run
from tests.events import raw


def test_what_a_history_tells_is_a_table_of_a_skills_file(run: Run, tmp_path: Path) -> None:
    odd = 'the "lms" \x7f\\'
    events = [raw("retry", source=odd), raw("failure", source=odd, minute=1, gave_up=True), raw("message"), b"{"]

    ran = run("platforms", "-", stdin=b"\n".join(events))

    path = tmp_path / "skills.toml"
    path.write_text(f"{skills_path('default').read_text(encoding='utf-8')}\n{ran.out}", encoding="utf-8")
    assert ran.code == 0
    assert load_skills(str(path)).platforms == {"": ("wrote",), odd: ("failed", "gave_up", "retried")}
    assert "not_json" in ran.err


def test_a_history_without_events_of_use_has_an_empty_table(run: Run) -> None:
    assert run("platforms", "-", stdin=raw("navigation")).out == "[platforms]\n"


def test_a_file_that_is_not_there_is_named(run: Run) -> None:
    ran = run("platforms", "nowhere.jsonl")

    assert ran.code == 3
    assert "nowhere.jsonl" in ran.err
