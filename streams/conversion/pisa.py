"""PISA 2012 'climate control': every action of a student in a simulation, and whether the task was solved.

The log has seconds from the task's start and no dates, so each student gets a start that depends on nothing but the
id, somewhere in the two weeks from FIRST_START; the timing within the task is the student's own. One row, one event:
an action `a_b_c` sets the three controls, `reset` resets them, `start` and `end` bound the sitting.
"""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Final
from zlib import crc32

from schemas.event import Control, NativeEvent, Session
from streams.conversion.tables import RowUnreadable, Tables
from streams.conversion.training_set import LabelledStudent, TrainingSet, training_set

PROBLEM_SOLVING: Final = "problem_solving"
TASK: Final = "pisa2012-climate-control"
CONTROLS: Final = ("top", "central", "bottom")
FIRST_START: Final = datetime(2012, 4, 16, tzinfo=UTC)
_SPREAD_S: Final = 14 * 86_400

Action = tuple[float, str]
Setting = tuple[float, ...]

_NEUTRAL: Final[Setting] = (0.0, 0.0, 0.0)


def convert_pisa(tables: Tables) -> TrainingSet:
    """Read `actions` and `outcomes`. Every readable action becomes one event, every outcome of a student with events
    one label, as of the student's last event.

    Raises TableMissing and TableUnreadable.
    """
    actions = _read_actions(tables)
    events: list[NativeEvent] = []
    ends: dict[str, datetime] = {}
    for student, of_student in actions.items():
        of_one = _events(student, of_student)
        events += of_one
        ends[student] = of_one[-1].time
    return training_set(events, _outcomes(tables, ends), tables.tally)


def _read_actions(tables: Tables) -> dict[str, list[Action]]:
    actions: dict[str, list[Action]] = defaultdict(list)
    for student, seconds, action in tables.rows("actions", ("student", "t_s", "action")):
        try:
            actions[_student(student)].append((_seconds(seconds), _known(action)))
        except RowUnreadable as reason:
            tables.tally.skip(f"actions: {reason}")
    return actions


def _outcomes(tables: Tables, ends: dict[str, datetime]) -> list[LabelledStudent]:
    outcomes = {}
    for student, label in tables.rows("outcomes", ("student", "solved"), header=False):
        if label not in ("0", "1"):
            tables.tally.skip("outcomes: neither 0 nor 1")
        elif student not in ends:
            tables.tally.skip("outcomes: a student without actions")
        elif student in outcomes:
            tables.tally.skip("outcomes: a second outcome of a student")
        else:
            outcomes[student] = LabelledStudent(student, PROBLEM_SOLVING, ends[student], int(label))
    tables.tally.notes["students without an outcome: events, no label"] += len(ends.keys() - outcomes.keys())
    return list(outcomes.values())


def _events(student: str, actions: list[Action]) -> list[NativeEvent]:
    """One student's events; log order where two actions carry the same time."""
    start = FIRST_START + timedelta(seconds=crc32(student.encode()) % _SPREAD_S)
    events: list[NativeEvent] = []
    before_s, setting = 0.0, _NEUTRAL
    for number, (at_s, action) in enumerate(sorted(actions, key=lambda action: action[0])):
        event_id = f"{TASK}-{student}-{number}"
        time = start + timedelta(milliseconds=round(at_s * 1000))
        duration_s = round(at_s - before_s, 3)
        before_s = at_s
        if action in ("start", "end"):
            session: NativeEvent = Session(
                version=1,
                event_id=event_id,
                student_id=student,
                time=time,
                phase="start" if action == "start" else "end",
                duration_s=None if action == "start" else duration_s,
            )
            events.append(session)
            continue
        reset = action == "reset"
        former, setting = setting, _NEUTRAL if reset else _setting(action)
        control = Control(
            version=1,
            event_id=event_id,
            student_id=student,
            time=time,
            task_id=TASK,
            controls={} if reset else dict(zip(CONTROLS, setting, strict=True)),
            reset=reset,
            changed=sum(now != then for now, then in zip(setting, former, strict=True)),
            duration_s=duration_s,
        )
        events.append(control)
    return events


def _student(text: str) -> str:
    if not text:
        raise RowUnreadable("no student")
    return text


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise RowUnreadable("a time that is no number") from None
    if not 0 <= seconds <= 86_400:
        raise RowUnreadable("a time that is negative, or beyond a day")
    return seconds


def _known(action: str) -> str:
    if action not in ("start", "end", "reset"):
        _setting(action)
    return action


def _setting(action: str) -> Setting:
    try:
        setting = tuple(float(part) for part in action.split("_"))
    except ValueError:
        raise RowUnreadable("an unknown action") from None
    if len(setting) != len(CONTROLS) or not all(map(isfinite, setting)):
        raise RowUnreadable("an unknown action")
    return setting
