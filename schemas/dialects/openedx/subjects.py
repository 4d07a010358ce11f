"""What an event is about, called as in the statement that Open edX derives.

With the LMS's address that is the statement's IRI (`https://lms.example.edu/xblock/block-v1:…`), without it the key in
it (`block-v1:…`). Empty where the event does not say.
"""

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from schemas.dialects.openedx.names import COURSE, DISCUSSION, INTERACTION, PROBLEM_CHECK, VIDEO
from schemas.dialects.openedx.tracked import Tracked, object_in, text_in

_INPUT: Final = re.compile(r"input_([^_=&]+)_")
"""Answers of a form, as the browser sends them: the block's id is in the name of each."""


def subject_of(event: Tracked, type: str, root_url: str) -> str:
    """The id of what `event` is about, an activity of this `type`; `root_url` without a slash at its end."""
    found = _BY_NAME.get(event.name) or _BY_TYPE.get(type) or _of_block
    return found(event, root_url)


def course_of(event: Tracked, root_url: str) -> str:
    """The id of the course that it happened in."""
    return _under(root_url, "course", event.course())


def question_of(problem: str, answer: str) -> str:
    """The id of one of several questions of a problem, by the id of its answer."""
    return f"{problem.rpartition('@')[0]}@{answer}"


def _under(root_url: str, folder: str, key: str) -> str:
    return f"{root_url}/{folder}/{key}" if root_url and key else key


def _of_block(event: Tracked, root_url: str) -> str:
    """Of what names a block, by whichever of its names."""
    data = event.data
    names = ("problem_id", "module_id", "block_id", "usage_key", "id", "item_id")
    key = next(filter(None, (text_in(data, name) for name in names)), "")
    return _under(root_url, "xblock", key or text_in(object_in(event.context, "module"), "usage_key"))


def _of_problem(event: Tracked, root_url: str) -> str:
    key = text_in(event.data, "problem_id") or text_in(event.data, "module_id")
    if not key and event.source == "browser":
        key = _block_in(event)
    return _under(root_url, "xblock", key or text_in(object_in(event.context, "module"), "usage_key"))


def _block_in(event: Tracked) -> str:
    """The block that a browser's answers are to: the one that its address names, or their own names."""
    address = text_in(event.top, "referer") or text_in(event.context, "referer")
    try:
        named = parse_qs(urlsplit(address).query).get("activate_block_id")
    except ValueError:
        named = None
    if named:
        return named[0]
    answered = _INPUT.search(event.text)
    return _block(event.course(), "problem", answered[1]) if answered else ""


def _of_video(event: Tracked, root_url: str) -> str:
    video = text_in(event.data, "id")
    return _under(root_url, "xblock", _block(event.course(), "video", video)) if video else ""


def _block(course: str, type: str, block: str) -> str:
    """The key of a block of a course, `block-v1:org+course+run+type@…+block@…`; of old courses the id alone."""
    scheme, colon, run = course.partition(":")
    if not colon:
        return block
    version = f"{'ccx-' if 'ccx' in scheme else ''}block-{scheme.rpartition('-')[2]}"
    return f"{version}:{run}+type@{type}+block@{block}"


def _of_hint(event: Tracked, root_url: str) -> str:
    problem = _of_problem(event, root_url)
    return f"{problem}/hint/{_index(event.data.get('hint_index'))}" if problem else ""


def _of_solution(event: Tracked, root_url: str) -> str:
    problem = _of_problem(event, root_url)
    return f"{problem}/answer" if problem else ""


def _index(value: Any) -> str:
    return str(value) if type(value) is int else ""


def _of_discussion(event: Tracked, root_url: str) -> str:
    """By the path that was asked for, since it says whether it is a thread or a comment."""
    post = text_in(event.data, "id")
    if not post:
        return ""
    path = text_in(event.context, "path") or text_in(event.top, "path")
    return f"{root_url}{path.rstrip('/').replace(post, '').rstrip('/')}/{post}"


_BY_NAME: Final[dict[str, Callable[[Tracked, str], str]]] = {
    PROBLEM_CHECK: _of_problem,
    "edx.problem.hint.demandhint_displayed": _of_hint,
    "showanswer": _of_solution,
    "edx.ui.lms.link_clicked": lambda event, _: text_in(event.data, "target_url"),
    "edx.ui.lms.outline.selected": lambda event, _: text_in(event.data, "target_url"),
    "edx.ui.lms.sequence.outline.selected": lambda event, _: text_in(event.data, "target_url"),
    "edx.problem.completed": lambda event, _: _of_problem(event, ""),
}
_BY_TYPE: Final[dict[str, Callable[[Tracked, str], str]]] = {
    COURSE: course_of,
    DISCUSSION: _of_discussion,
    INTERACTION: _of_problem,
    VIDEO: _of_video,
    **{
        f"https://w3id.org/xapi/openedx/activity/{exam}-assessment": lambda event, _: text_in(
            event.data, "exam_content_id"
        )
        for exam in ("timed", "practice", "proctored")
    },
}
