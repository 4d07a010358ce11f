"""The page of one student: read once, without a script."""

from html import escape
from typing import Final

from msgspec import UNSET

from agents.dashboard.markup import HEAD, card, facts, nothing
from agents.dashboard.student_explanation import explanation
from agents.dashboard.student_scores import changes, components, profiles, score_cards
from schemas.event import MAX_IDENTIFIER_CHARS
from schemas.explanation import Explanation
from schemas.history import SkillHistory
from schemas.student_answer import StudentAnswer

STUDENT: Final = "/student"


def student_page(
    answer: StudentAnswer, explained: Explanation | None, history: SkillHistory | None, asked: str = ""
) -> str:
    """All that there is; what is missing is said. `asked` is the id that was asked for, maybe another one."""
    none_scored = nothing("No skill has a score: what was seen is counted below.")
    scores = score_cards(answer, history) or [card("scores", "Scores", none_scored)]
    beside = "broad" if len(scores) % 3 == 1 else "whole"  # a row of the widest page has room for three
    degraded = ""
    if answer.degraded:
        degraded = f'<p class="about">Without what had failed: {escape(", ".join(answer.degraded))}.</p>'
    body = (
        f'<div class="cards">{card("about", "Student", _about(answer, asked) + degraded)}'
        f"{card('changed', 'What changed', changes(answer), kind='broad')}"
        f"{''.join(scores)}"
        f"{card('explanation', 'Explanation', explanation(explained, answer), kind=beside)}"
        f"{card('mastery', 'Mastery by component', components(answer.mastery), kind='whole')}"
        f"{card('counted', 'What was counted', profiles(answer), kind='whole')}</div>"
    )
    return _page(answer.student_id, body)


def no_student_page(student: str, said: str = "") -> str:
    """The form alone, with what is wrong if anything."""
    problem = f'<p class="state degraded" role="alert">{escape(said)}</p>' if said else ""
    return _page(student, problem)


def ask_for_student(student: str = "") -> str:
    """A form that leads to a student's page; `student` is the id that is in it already."""
    return (
        f'<form action="{STUDENT}" method="get" role="search"><label for="student">Student</label>'
        f'<input id="student" name="id" required maxlength="{MAX_IDENTIFIER_CHARS}" autocomplete="off" '
        f'value="{escape(student)}"><button>Show</button></form>'
    )


def _about(answer: StudentAnswer, asked: str) -> str:
    pairs = [("as of", escape(answer.as_of.replace("T", " ")[:16]) + " UTC"), ("model", escape(answer.model))]
    if asked not in ("", answer.student_id):
        pairs.append(("asked for as", escape(asked)))
    named = (("school", answer.school_id), ("class", answer.class_id), ("course", answer.course_id))
    pairs += [(name, escape(found)) for name, found in named if found is not UNSET]
    return facts(pairs)


def _page(student: str, body: str) -> str:
    title = f"Student {student}" if student else "Students"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
{HEAD}
<title>{escape(title)} · skillstream</title>
</head>
<body class="student">
<a class="skip" href="#main">Skip to the student</a>
<header><h1>{escape(title)}</h1>{ask_for_student(student)}</header>
<main id="main" tabindex="-1">
{body}
</main>
<footer><nav aria-label="Other pages"><a href="/">the group</a></nav>
<p>Scores are estimates from what a student did here: read them with their intervals.</p>
<form action="/sign-out" method="post"><button>Sign out</button></form></footer>
</body>
</html>
"""
