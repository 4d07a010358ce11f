"""Caliper 1.1, as its specification's sections 2 and 3 and appendices A to C have it.

What is deprecated should not be sent, so it may be. Where appendix B and section 3 differ, either is allowed. And some
is allowed that platforms send, though the specification has no such: it says so below.
"""

from collections.abc import Mapping
from typing import Final

from schemas.dialects.caliper.properties import ARRAYS, LINKS, PROPERTIES
from schemas.dialects.caliper.version import Use, resolved_version

CONTEXT: Final = "http://purl.imsglobal.org/ctx/caliper/v1p1"

EVENT_PROPERTIES: Final = """@context id type actor action object eventTime target generated edApp referrer group
    membership session federatedSession extensions"""

ACTIONS: Final = """Abandoned Activated Added Attached Bookmarked ChangedResolution ChangedSize ChangedSpeed
    ChangedVolume Classified ClosedPopout Commented Completed Created Deactivated Deleted Described
    DisabledClosedCaptioning Disliked EnabledClosedCaptioning Ended EnteredFullScreen EnteredFullscreen
    ExitedFullScreen ExitedFullscreen ForwardedTo Graded Hid Highlighted Identified JumpedTo Liked Linked LoggedIn
    LoggedOut MarkedAsRead MarkedAsUnRead MarkedAsUnread Modified Muted NavigatedTo OpenedPopout Paused Posted
    Questioned Ranked Recommended Removed Reset Restarted Resumed Retrieved Reviewed Rewound Searched Shared Showed
    Skipped Started Submitted Subscribed Tagged TimedOut Unmuted Unsubscribed Used Viewed"""

SUBTYPES: Final[Mapping[str, str]] = {
    "Entity": """Agent Annotation Attempt DigitalResource LearningObjective Membership Response Result Score
        Session""",
    "Agent": "Organization Person SoftwareApplication",
    "Organization": "CourseOffering Group",
    "CourseOffering": "CourseSection",
    "Annotation": "BookmarkAnnotation HighlightAnnotation SharedAnnotation TagAnnotation",
    "DigitalResource": """AssignableDigitalResource Chapter DigitalResourceCollection Document Frame MediaLocation
        MediaObject Message Page Reading WebPage Webpage EpubChapter EpubPart EpubSubChapter EpubVolume""",  # Open edX
    "AssignableDigitalResource": "Assessment AssessmentItem",
    "DigitalResourceCollection": "Forum Thread",
    "MediaObject": "AudioObject ImageObject VideoObject",
    "Response": """FillinBlankResponse MultipleChoiceResponse MultipleResponseResponse SelectTextResponse
        TrueFalseResponse""",
    "Session": "LtiSession",
}

_GRADED: Final = {"submission": "Graded"}  # an attempt where what was graded is an AssessmentItem
REFERRERS: Final = "DigitalResource SoftwareApplication"
_UNREAD: Final = "MarkedAsRead MarkedAsUnRead MarkedAsUnread"

EVENT_USES: Final[dict[str, tuple[Use, ...]]] = {
    "Event": (Use({"navigation": ACTIONS}, actors="Agent"),),
    "AnnotationEvent": (
        Use(
            {"shared": "Shared", "navigation": "Bookmarked Highlighted Tagged"},
            objects="DigitalResource",
            generated="Annotation",
            targets="Frame",
        ),
    ),
    "AssessmentEvent": (
        Use(
            {
                "start": "Started",  # or retry, where the attempt's count is more than 1
                "retry": "Restarted",
                "submission": "Submitted",
                "navigation": "Paused Resumed Reset",
            },
            objects="Assessment Attempt",  # Canvas sends the attempt that is handed in
            generated="Attempt",
        ),
    ),
    "AssessmentItemEvent": (
        Use(
            {
                "navigation": "Started",
                "gave_up": "Skipped",
                "attempt": "Completed",  # no response has a score: that comes with its GradeEvent
            },
            objects="AssessmentItem",
            generated="Attempt Response",
            referrers="AssessmentItem",
        ),
    ),
    "AssignableEvent": (
        Use(
            {
                "start": "Started",
                "end": "Completed",
                "submission": "Submitted",
                "navigation": "Activated Deactivated Reviewed",
            },
            objects="AssignableDigitalResource Attempt",  # platforms send the attempt that is handed in, too
            generated="Attempt",
            targets="Frame",
        ),
    ),
    "ForumEvent": (Use({"navigation": "Subscribed Unsubscribed"}, objects="Forum"),),
    "GradeEvent": (Use(_GRADED, actors="Agent", objects="Attempt", generated="Score", student="assignee"),),
    "MediaEvent": (
        Use(
            {
                "played": "Started Resumed Restarted",
                "paused": "Paused",
                "seeked": "ForwardedTo JumpedTo",
                "watched": "Ended",
                "navigation": """ChangedResolution ChangedSize ChangedSpeed ChangedVolume EnabledClosedCaptioning
                    DisabledClosedCaptioning EnteredFullScreen EnteredFullscreen ExitedFullScreen ExitedFullscreen
                    Muted Unmuted OpenedPopout ClosedPopout""",
            },
            objects="MediaObject",
            targets="MediaLocation",
        ),
    ),
    "MessageEvent": (Use({"message": "Posted", "navigation": _UNREAD}, objects="Message"),),
    "NavigationEvent": (
        Use(
            {"navigation": "NavigatedTo"},
            actors="Person SoftwareApplication",  # Canvas, where it does not know who
            objects="DigitalResource SoftwareApplication",
            targets="DigitalResource",
            referrers=REFERRERS,
        ),
    ),
    "SessionEvent": (
        Use(
            {"start": "LoggedIn", "end": "LoggedOut"},
            objects="SoftwareApplication",
            targets="DigitalResource",
            referrers=REFERRERS,
        ),
        Use({"end": "TimedOut"}, actors="SoftwareApplication", objects="Session", referrers=REFERRERS, student="user"),
    ),
    "ThreadEvent": (Use({"navigation": f"{_UNREAD} Created"}, objects="Thread"),),  # Canvas sends Created
    "ToolUseEvent": (Use({"navigation": "Used"}, objects="SoftwareApplication", targets="SoftwareApplication"),),
    "ViewEvent": (Use({"navigation": "Viewed"}, objects="DigitalResource Result"),),
}

DEPRECATED: Final[dict[str, tuple[Use, ...]]] = {
    "AnnotationEvent": (
        Use(
            {
                "shared": "Recommended",
                "asked": "Questioned",
                "navigation": """Attached Classified Commented Described Disliked Identified Liked Linked Ranked
                    Subscribed""",
            },
            objects="DigitalResource",
            generated="Annotation",
            targets="Frame",
        ),
    ),
    "AssessmentItemEvent": (Use({"navigation": "Reviewed Viewed"}, objects="AssessmentItem"),),
    "AssignableEvent": (
        Use(
            {"gave_up": "Abandoned", "navigation": "Hid Showed"},
            objects="AssignableDigitalResource Attempt",
            targets="Frame",
        ),
    ),
    "MediaEvent": (Use({"seeked": "Rewound"}, objects="MediaObject", targets="MediaLocation"),),
    "OutcomeEvent": (Use(_GRADED, actors="Agent", objects="Attempt", generated="Result", student="assignee"),),
    "ReadingEvent": (Use({"navigation": "NavigatedTo Searched Viewed"}, objects="DigitalResource", targets="Frame"),),
}

V1P1: Final = resolved_version(
    CONTEXT,
    event_properties=EVENT_PROPERTIES,
    properties=PROPERTIES,
    links=LINKS,
    arrays=ARRAYS,
    actions=ACTIONS,
    subtypes=SUBTYPES,
    events={name: EVENT_USES.get(name, ()) + DEPRECATED.get(name, ()) for name in EVENT_USES | DEPRECATED},
)
