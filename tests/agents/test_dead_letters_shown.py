"""`skillstream dead-letters list` and `show`, whole commands on the embedded broker."""

from pathlib import Path

import pytest

from tests.agents.dead_letter_commands import (
    BAD,
    FOREIGN,
    GOOD,
    OWNING,
    dead_letter,
    dead_letters,
    deployment,
    plant,
)
from tests.agents.deployment import Deployment, Sent

__all__ = ["deployment"]


def test_the_table_counts_by_reason_and_shows_the_newest(deployment: Deployment) -> None:
    plant(deployment, [dead_letter(deployment, n, BAD, reason="not_json") for n in range(60)])
    plant(deployment, [dead_letter(deployment, 7, GOOD[0], partition=FOREIGN)])

    everything = dead_letters(deployment, "list")
    assert "61 dead letters: not_json 60, invalid_field 1" in everything.text
    rows = everything.text.splitlines()[2:]
    assert len(rows) == 50
    assert rows[-1].split()[:2] == [f"{FOREIGN}@0", f"{deployment.channels.activity}/{FOREIGN}@7"]

    some = dead_letters(deployment, "list", "--reason", "invalid_field", "--json")
    assert [line["reason"] for line in some.lines] == ["invalid_field"]
    assert len(dead_letters(deployment, "list", "--json", "--limit", "3").lines) == 3
    assert len(dead_letters(deployment, "list", "--json").lines) == 61
    assert len(dead_letters(deployment, "list", "--json", "--since", "2h").lines) == 61
    assert dead_letters(deployment, "list", "--json", "--since", "2999-01-01").lines == []
    assert dead_letters(deployment, "list", "--since", "2999-01-01").text == "0 dead letters\n"
    assert dead_letters(deployment, "list", "--since", "yesterday").code == 2


def test_what_others_wrote_cannot_act_on_the_terminal(deployment: Deployment) -> None:
    evil = "\x1b]0;owned\x07\x9b2J\u202e"
    plant(
        deployment,
        [
            dead_letter(deployment, 1, f'{{"a":"{evil[-1]}\x7f"}}'.encode(), reason=evil, key=evil.encode()),
            dead_letter(deployment, 2, evil.encode(), own=[(evil, evil.encode())]),
        ],
    )
    deployment.send([Sent(None, b"\x1b[1m", OWNING)], deployment.channels.dead_letters)

    for arguments in (["list"], ["list", "--json"], *(["show", f"{OWNING}@{offset}"] for offset in range(3))):
        ran = dead_letters(deployment, *arguments)
        assert ran.code == 0, ran.err
        assert not {"\x1b", "\x07", "\x9b", "\x7f"} & set(ran.text)
        assert "--json" in arguments or "\u202e" not in ran.text
    assert dead_letters(deployment, "list", "--json").lines[-1]["reason"] == "not_a_dead_letter"


def test_json_is_indented_and_the_long_is_cut(deployment: Deployment) -> None:
    plant(deployment, [dead_letter(deployment, 1, b'{"a":[1]}'), dead_letter(deployment, 2, b"\0" * 100_000)])

    assert '  {\n    "a": [\n      1\n    ]\n  }' in dead_letters(deployment, "show", f"{OWNING}@0").text
    dumped = dead_letters(deployment, "show", f"{OWNING}@1").text
    assert len(dumped) < 200_000
    assert dumped.rstrip().endswith("--raw writes all of it")


@pytest.mark.parametrize(("place", "code"), [("0@999", 1), ("99@0", 1), ("0", 2), ("-1@0", 2), ("0@x", 2)])
def test_a_place_without_a_dead_letter_is_refused(deployment: Deployment, place: str, code: int) -> None:
    ran = dead_letters(deployment, "show", "--", place)

    assert (ran.code, ran.out) == (code, b"")


def test_without_topic_or_broker_it_says_so(broker: str, tmp_path: Path) -> None:
    nowhere = Deployment(broker, tmp_path)

    for command in (["list"], ["show", "0@0"], ["replay", "--yes"]):
        ran = dead_letters(nowhere, *command)
        assert ran.code == 1
        assert "there is no topic" in ran.err
    config = tmp_path / "hasty.toml"
    config.write_text("start_timeout_s = 1.0\n")
    ran = dead_letters(nowhere, "list", "--broker", "127.0.0.1:1", "--config", str(config))
    assert ran.code == 3
    assert "no Kafka broker answers at 127.0.0.1:1" in ran.err
