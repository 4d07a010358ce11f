"""Facts are declared once: a new one is a line, its reader and, for a new kind of event, the event."""

import json
import shutil
import subprocess
import sys
from collections import defaultdict
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any, Final, get_args

import streams
from schemas.event import NativeEvent
from streams.evidence.features import FEATURES
from streams.folding.facts import facts_of, kinds_of
from streams.reasoning.request.slots import filled
from streams.reasoning.request.wording import in_words
from streams.vocabulary import FACTS, INDEX, Fact
from tests.events import NOW, event

ROOT: Final = Path(streams.__file__).parent.parent
OPTIONS: Final[dict[str, dict[str, list[Any]]]] = {
    "attempt": {"score": [0.0, 1.0], "attempt": [1, 2], "hints": [0, 1], "duration_s": [None, 9.0]},
    "failure": {"gave_up": [False, True]},
    "retry": {},
    "hint": {},
    "submission": {
        "due": [None, *((NOW + timedelta(days=days)).isoformat() for days in (-1, 1))],
        "score": [None, 0.5],
    },
    "mark": {},
    "overdue": {},
    "control": {
        "controls": [{}, {"top": 1.0}, {"top": 1.0, "middle": 2.0}],
        "reset": [False, True],
        "changed": [None, 1],
        "duration_s": [None, 9.0],
    },
    "message": {"in_reply_to": [None, "m-1"]},
    "reflection": {"asked_for": [False, True]},
    "collaboration": {"act": ["asked", "answered", "helped", "agreed", "disagreed"]},
    "session": {"phase": ["enrolled", "start", "end", "withdrawn"]},
    "media": {"action": ["played", "completed", "seeked"]},
    "rubric": {},
    "navigation": {},
    "voided": {},
}
"""Of each kind of event, what its facts depend on."""
EDITS: Final = {
    "schemas/event.py": [
        (
            "NativeEvent: TypeAlias = (\n",
            'class Nap(EventBase, tag="nap", frozen=True, kw_only=True, omit_defaults=True, gc=False):\n'
            '    """The student slept."""\n\n    minutes: float\n\n\n'
            "NativeEvent: TypeAlias = (\n    Nap |\n",
        )
    ],
    "streams/vocabulary.py": [
        (
            "\n    words: str\n",
            f'    NAPPED = {len(Fact)}, "slept for {{}} minute{{}}", (e.Nap,), _COUNT, _EVENT\n\n    words: str\n',
        )
    ],
    "streams/folding/facts.py": [
        (
            "    e.Media: _media,\n",
            "    e.Media: _media,\n"
            "    e.Nap: lambda events: iter([(Fact.NAPPED, None, np.array([nap.minutes for nap in events]))]),\n",
        )
    ],
}
ASKS: Final = """
import asyncio, json, sys
from schemas.update import read_update
from streams.evidence.artifacts import load_artifact
from streams.evidence.features import FEATURES
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay
from streams.reasoning.request.wording import in_words
from streams.skills.skills_file import load_skills
import streams

def fail(source, error):
    raise error

skills = load_skills(sys.argv[1])
said = []
for name in ("default", "course_success"):
    pipeline = Pipeline(skills, load_artifact(name), on_failure=fail)
    event = json.dumps({"type": "nap", "version": 1, "event_id": "n1", "student_id": "ada",
                        "time": "2026-03-02T12:00:00Z", "minutes": 20}).encode()
    result = asyncio.run(Replay(pipeline).feed([FileRecord(0, 1772456400000, event)]))
    skill = read_update(result.updates[b"ada"]).skills["resilience"]
    rates = [(name, one.count, one.of) for name, one in skill.indicators.items()]
    said.append([rates, [(one.fact, one.value) for one in skill.evidence]])
print(json.dumps([streams.__file__, said, in_words("napped", 20.0).text, "napped.recent_mean" in FEATURES]))
"""


def test_a_fact_of_a_new_kind_of_event_takes_three_files_and_the_shipped_artifacts_stay_valid(tmp_path: Path) -> None:
    for package in ("schemas", "streams"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, edits in EDITS.items():
        text = (tmp_path / name).read_text(encoding="utf-8")
        for old, new in edits:
            assert text.count(old) == 1, (name, old)
            text = text.replace(old, new)
        (tmp_path / name).write_text(text, encoding="utf-8")
    skills = tmp_path / "skills.toml"
    toml = (ROOT / "streams/config/default.toml").read_text(encoding="utf-8")
    indicator = (
        '[[skills.resilience.indicators]]\nname = "sleeps"\nnumerator = ["napped.n"]\ndenominator = ["napped.n"]\n'
        "prior = 0.5\nweight = 1.0\n\n[skills.resilience.telling]\nnapped = 1.0\n"
    )
    skills.write_text(toml.replace("[skills.resilience.telling]\n", indicator, 1), encoding="utf-8")

    ran = subprocess.run(
        [sys.executable, "-c", ASKS, str(skills)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert ran.returncode == 0, ran.stderr
    where, said, words, is_feature = json.loads(ran.stdout)
    assert Path(where).is_relative_to(tmp_path)
    assert said == [[[["sleeps", 1, 1]], [["napped", 20.0]]]] * 2
    assert (words, is_feature) == ("slept for {}", True)
    assert len(EDITS) <= 3


def test_indices_names_and_features_follow_from_the_declarations() -> None:
    assert [int(fact) for fact in Fact] == list(range(len(Fact)))
    assert FACTS[Fact.GAVE_UP] == "gave_up"
    assert INDEX["gave_up"] is Fact.GAVE_UP
    of_events = {fact.key for fact in Fact if fact.standing != "language"}
    assert {feature.split(".")[0] for feature in FEATURES if "." in feature} == of_events


def test_a_fact_is_read_from_the_kinds_of_events_that_it_names_and_from_no_others() -> None:
    events = [
        event(kind, **dict(zip(options, values, strict=True)))
        for kind, options in OPTIONS.items()
        for values in product(*options.values())
    ]
    kinds: defaultdict[Fact, set[type]] = defaultdict(set)
    facts = facts_of(events, kinds_of(events))
    for index, fact in zip(facts.event.tolist(), facts.fact.tolist(), strict=True):
        kinds[[*Fact][fact]].add(type(events[index]))

    assert OPTIONS.keys() == {type_.__struct_config__.tag for type_ in get_args(NativeEvent)}
    assert kinds == {fact: set(fact.read_from) for fact in Fact if fact.standing != "language"}


def test_every_fact_has_words() -> None:
    for fact in Fact:
        worded = in_words(fact.key, 0.5)
        assert worded is not None
        assert (not worded.values) == (fact.measure is None) == ("{" not in fact.words)
        assert filled(worded.text, worded.values).isascii()
