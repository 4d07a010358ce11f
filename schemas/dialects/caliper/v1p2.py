"""Caliper 1.2: what it has besides 1.1, and without what 1.1 had deprecated.

Its events and entities came, before, as extensions of 1.1's profiles: `V1P1_EXTENDED` has all of both.
"""

from collections.abc import Mapping
from typing import Final

from schemas.dialects.caliper import v1p1
from schemas.dialects.caliper.properties import ARRAYS_1P2, LINKS_1P2, PROPERTIES_1P2
from schemas.dialects.caliper.version import Use, Version, resolved_version

CONTEXT: Final = "http://purl.imsglobal.org/ctx/caliper/v1p2"

_ACTIONS: Final = """Accepted Archived Copied Declined Downloaded Launched OptedIn OptedOut Printed Published Restored
    Returned Saved Sent Unpublished Uploaded"""

_PROFILES: Final = """AnnotationProfile AssessmentProfile AssignableProfile FeedbackProfile ForumProfile GeneralProfile
    GradingProfile MediaProfile ReadingProfile ResourceManagementProfile SearchProfile SessionProfile SurveyProfile
    ToolLaunchProfile ToolUseProfile"""

_SUBTYPES: Final[Mapping[str, str]] = {
    **v1p1.SUBTYPES,
    "Entity": v1p1.SUBTYPES["Entity"]
    + " AggregateMeasure Collection Comment Link Query Rating Scale SearchResponse SystemIdentifier",
    "Collection": "AggregateMeasureCollection Survey",
    "DigitalResource": v1p1.SUBTYPES["DigitalResource"] + " LtiLink Question QuestionnaireItem SurveyInvitation",
    "DigitalResourceCollection": "Forum Questionnaire Thread",
    "Question": "DateTimeQuestion MultiselectQuestion OpenEndedQuestion RatingScaleQuestion",
    "Response": v1p1.SUBTYPES["Response"]
    + " DateTimeResponse MultiselectResponse MultiSelectResponse OpenEndedResponse RatingScaleResponse",
    "Scale": "LikertScale MultiselectScale NumericScale",
}

_EVENTS: Final[dict[str, tuple[Use, ...]]] = {
    **v1p1.EVENT_USES,
    "Event": (Use({"navigation": f"{v1p1.ACTIONS} {_ACTIONS}"}, actors="Agent"),),
    "FeedbackEvent": (
        Use({"message": "Commented"}, generated="Comment", targets="Frame"),
        Use({"navigation": "Ranked"}, generated="Rating", targets="Frame"),
    ),
    "NavigationEvent": (
        Use(
            {"navigation": "NavigatedTo"},
            objects="DigitalResource SoftwareApplication Survey",
            targets="DigitalResource",
            referrers=v1p1.REFERRERS,
        ),
    ),
    "QuestionnaireEvent": (Use({"navigation": "Started Submitted"}, objects="Questionnaire"),),
    "QuestionnaireItemEvent": (
        Use({"navigation": "Started Skipped Completed"}, objects="QuestionnaireItem", generated="Attempt Response"),
    ),
    "ResourceManagementEvent": (
        Use(
            {
                "navigation": """Archived Created Deleted Described Downloaded Modified Printed Published Restored
                    Retrieved Saved Unpublished Uploaded"""
            },
            objects="DigitalResource",
            generated="DigitalResource",
        ),
        Use({"navigation": "Copied"}, objects="DigitalResource", generated="DigitalResource", requires="generated"),
    ),
    "SearchEvent": (Use({"navigation": "Searched"}, generated="SearchResponse"),),
    "SurveyEvent": (Use({"navigation": "OptedIn OptedOut"}, objects="Survey"),),
    "SurveyInvitationEvent": (Use({"navigation": "Accepted Declined Sent"}, objects="SurveyInvitation"),),
    "ToolLaunchEvent": (
        Use(
            {"navigation": "Launched"},
            objects="SoftwareApplication",
            generated="DigitalResource",
            targets="Link LtiLink",
            requires="federatedSession",
        ),
        Use(
            {"navigation": "Returned"},
            objects="SoftwareApplication",
            generated="DigitalResource",
            targets="Link LtiLink",
        ),
    ),
    "ToolUseEvent": (
        Use(
            {"navigation": "Used"},
            objects="SoftwareApplication",
            generated="AggregateMeasureCollection",
            targets="SoftwareApplication",
        ),
    ),
    "ViewEvent": (Use({"navigation": "Viewed"}, objects="DigitalResource Result Survey"),),
}


def _version(context: str, events: Mapping[str, tuple[Use, ...]]) -> Version:
    return resolved_version(
        context,
        event_properties=f"{v1p1.EVENT_PROPERTIES} profile",
        properties=PROPERTIES_1P2,
        links=LINKS_1P2,
        arrays=ARRAYS_1P2,
        actions=f"{v1p1.ACTIONS} {_ACTIONS}",
        profiles=_PROFILES,
        subtypes=_SUBTYPES,
        events=events,
    )


V1P2: Final = _version(CONTEXT, _EVENTS)
V1P1_EXTENDED: Final = _version(
    v1p1.CONTEXT, {name: _EVENTS.get(name, ()) + v1p1.DEPRECATED.get(name, ()) for name in _EVENTS | v1p1.DEPRECATED}
)
