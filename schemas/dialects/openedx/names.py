"""What Open edX's events are called, and the statement that its event-routing-backends makes of each.

    name ──► verb, type of activity ──► sense, by the tables of xAPI ──► kind of native event

So an event means what the statement means that Open edX derives from it, whichever of the two arrives.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

_ADL: Final = "http://adlnet.gov/expapi/verbs/"
_ACROSSX: Final = "https://w3id.org/xapi/acrossx/verbs/"
_VIDEO: Final = "https://w3id.org/xapi/video/verbs/"
_TINCAN: Final = "http://id.tincanapi.com/verb/"
_DOD_ISD: Final = "https://w3id.org/xapi/dod-isd/verbs/"
_OPEN_EDX: Final = "https://w3id.org/xapi/openedx/"

COURSE: Final = "http://adlnet.gov/expapi/activities/course"
DISCUSSION: Final = "http://id.tincanapi.com/activitytype/discussion"
INTERACTION: Final = "http://adlnet.gov/expapi/activities/cmi.interaction"
VIDEO: Final = "https://w3id.org/xapi/video/activity-type/video"
_HINT: Final = "https://w3id.org/xapi/acrossx/extensions/supplemental-info"
_LINK: Final = "http://adlnet.gov/expapi/activities/link"
_MODULE: Final = "http://adlnet.gov/expapi/activities/module"
_QUESTION: Final = "http://adlnet.gov/expapi/activities/question"
_RESOURCE: Final = "http://id.tincanapi.com/activitytype/resource"
_SOLUTION: Final = "http://id.tincanapi.com/activitytype/solution"


class Derived(NamedTuple):
    """The verb and the type of activity of the statement that Open edX derives; IRIs."""

    verb: str
    type: str


PROBLEM_CHECK: Final = "problem_check"
PROBLEM_CHECK_OF_BROWSER: Final = Derived(f"{_ADL}attempted", INTERACTION)
"""The browser tells of the same answer before it is graded: it has no result."""

_VERBS_OF_VIDEO: Final = {
    **dict.fromkeys(("load_video", "edx.video.loaded"), f"{_ADL}initialized"),
    **dict.fromkeys(("play_video", "edx.video.played"), f"{_VIDEO}played"),
    **dict.fromkeys(("pause_video", "edx.video.paused"), f"{_VIDEO}paused"),
    **dict.fromkeys(("seek_video", "edx.video.position.changed"), f"{_VIDEO}seeked"),
    **dict.fromkeys(("stop_video", "edx.video.stopped"), f"{_ADL}terminated"),
    **dict.fromkeys(("complete_video", "edx.video.completed"), f"{_ADL}completed"),
    **dict.fromkeys(
        """hide_transcript show_transcript edx.video.transcript.hidden edx.video.transcript.shown
        edx.video.closed_captions.hidden edx.video.closed_captions.shown video_hide_cc_menu video_show_cc_menu
        edx.video.language_menu.hidden edx.video.language_menu.shown speed_change_video""".split(),
        f"{_ADL}interacted",
    ),
}
_VERBS_OF_FORUM: Final = {
    "created": f"{_ACROSSX}posted",
    "edited": f"{_ACROSSX}edited",
    "deleted": f"{_DOD_ISD}deleted",
    "viewed": f"{_TINCAN}viewed",
    "voted": f"{_OPEN_EDX}verb/voted",
    "reported": f"{_ACROSSX}reported",
    "unreported": f"{_OPEN_EDX}verb/unreported",
}
_VERBS_OF_COURSE: Final = {
    "edx.course.enrollment.activated": f"{_ADL}registered",
    "edx.course.enrollment.mode_changed": f"{_ADL}registered",
    "edx.course.enrollment.deactivated": f"{_TINCAN}unregistered",
    "edx.course.grade.passed.first_time": f"{_ADL}passed",
    "edx.course.grade.now_passed": f"{_ADL}passed",
    "edx.course.grade.now_failed": f"{_ADL}failed",
    "edx.course.completed": f"{_ADL}completed",
    "edx.grades.course.grade_calculated": f"{_TINCAN}earned",
    "edx.completion_aggregator.progress.course": f"{_ADL}progressed",
}
_NAVIGATED: Final = f"{_DOD_ISD}navigated"

NAMES: Final[Mapping[str, Derived]] = {
    PROBLEM_CHECK: Derived(f"{_ACROSSX}evaluated", INTERACTION),
    "edx.grades.problem.submitted": Derived(f"{_ADL}attempted", _QUESTION),
    "edx.problem.completed": Derived(f"{_ADL}completed", INTERACTION),
    "edx.problem.hint.demandhint_displayed": Derived(f"{_ADL}asked", _HINT),
    "showanswer": Derived(f"{_ADL}asked", _SOLUTION),
    **{name: Derived(verb, VIDEO) for name, verb in _VERBS_OF_VIDEO.items()},
    **{
        f"edx.forum.{what}.{done}": Derived(verb, DISCUSSION)
        for what in ("thread", "response", "comment")
        for done, verb in _VERBS_OF_FORUM.items()
    },
    **{name: Derived(verb, COURSE) for name, verb in _VERBS_OF_COURSE.items()},
    "edx.grades.subsection.grade_calculated": Derived(f"{_TINCAN}earned", _RESOURCE),
    "edx.completion.block_completion.changed": Derived(f"{_ADL}progressed", _RESOURCE),
    **{
        f"edx.completion_aggregator.progress.{part}": Derived(f"{_ADL}progressed", _MODULE)
        for part in ("chapter", "sequential", "vertical")
    },
    **{
        f"edx.special_exam.{exam}.attempt.{done}": Derived(f"{_ADL}{verb}", f"{_OPEN_EDX}activity/{exam}-assessment")
        for exam in ("timed", "practice", "proctored")
        for done, verb in (("created", "initialized"), ("submitted", "terminated"))
    },
    **{
        f"edx.ui.lms.sequence.{which}": Derived(_NAVIGATED, _RESOURCE)
        for which in ("next_selected", "previous_selected", "tab_selected")
    },
    "edx.ui.lms.sequence.outline.selected": Derived(_NAVIGATED, _MODULE),
    "edx.ui.lms.outline.selected": Derived(_NAVIGATED, _MODULE),
    "edx.ui.lms.link_clicked": Derived(_NAVIGATED, _LINK),
}
"""All that event-routing-backends makes statements of, by name; of `problem_check` what the server says."""
