"""Caliper 1.2: what it has besides 1.1, and without what 1.1 had deprecated.

Its events and entities came, before, as extensions of 1.1's profiles; those are read by this table, too.
"""

from collections.abc import Mapping
from typing import Final

from schemas.dialects.caliper import v1p1
from schemas.dialects.caliper.version import LINK, Use, version

CONTEXT: Final = "http://purl.imsglobal.org/ctx/caliper/v1p2"

_ACTIONS: Final = """Accepted Archived Copied Declined Downloaded Launched OptedIn OptedOut Printed Published Restored
    Returned Saved Sent Unpublished Uploaded"""

_PROPERTIES: Final = dict.fromkeys(
    """commentedOn commenter query question questionPosed rated rater ratingComment scale searchProvider searchResults
    searchTarget survey""".split(),
    LINK,
)

_SUBTYPES: Final[Mapping[str, str]] = {
    **v1p1.SUBTYPES,
    "Entity": v1p1.SUBTYPES["Entity"]
    + " AggregateMeasure Collection Comment Link Query Question Rating Scale SearchResponse SystemIdentifier",
    "Collection": "AggregateMeasureCollection Survey",
    "DigitalResource": v1p1.SUBTYPES["DigitalResource"] + " LtiLink QuestionnaireItem SurveyInvitation",
    "DigitalResourceCollection": "Forum Questionnaire Thread",
    "Question": "DateTimeQuestion MultiselectQuestion OpenEndedQuestion RatingScaleQuestion",
    "Response": v1p1.SUBTYPES["Response"]
    + " DateTimeResponse MultiselectResponse MultiSelectResponse OpenEndedResponse RatingScaleResponse",
    "Scale": "LikertScale MultiselectScale NumericScale",
}

_EVENTS: Final[dict[str, tuple[Use, ...]]] = {
    **v1p1.EVENTS,
    "Event": (Use({"navigation": f"{v1p1.ACTIONS} {_ACTIONS}"}, actors="Agent"),),
    "FeedbackEvent": (
        Use({"message": "Commented"}, generated="Comment"),
        Use({"navigation": "Ranked"}, generated="Rating"),
    ),
    "NavigationEvent": (Use({"navigation": "NavigatedTo"}, objects="DigitalResource SoftwareApplication Survey"),),
    "QuestionnaireEvent": (Use({"navigation": "Started Submitted"}, objects="Questionnaire"),),
    "QuestionnaireItemEvent": (
        Use({"navigation": "Started Skipped Completed"}, objects="QuestionnaireItem", generated="Response"),
    ),
    "ResourceManagementEvent": (
        Use(
            {
                "navigation": """Archived Created Deleted Described Downloaded Modified Printed Published Restored
                    Retrieved Saved Unpublished Uploaded"""
            },
            objects="DigitalResource",
        ),
        Use({"navigation": "Copied"}, objects="DigitalResource", requires="generated"),
    ),
    "SearchEvent": (Use({"navigation": "Searched"}, generated="SearchResponse"),),
    "SurveyEvent": (Use({"navigation": "OptedIn OptedOut"}, objects="Survey"),),
    "SurveyInvitationEvent": (Use({"navigation": "Accepted Declined Sent"}, objects="SurveyInvitation"),),
    "ToolLaunchEvent": (
        Use({"navigation": "Launched"}, objects="SoftwareApplication", requires="federatedSession"),
        Use({"navigation": "Returned"}, objects="SoftwareApplication"),
    ),
    "ViewEvent": (Use({"navigation": "Viewed"}, objects="DigitalResource Result Survey"),),
}

V1P2: Final = version(
    CONTEXT,
    event_properties=f"{v1p1.EVENT_PROPERTIES} profile",
    properties={**v1p1.PROPERTIES, **_PROPERTIES},
    actions=f"{v1p1.ACTIONS} {_ACTIONS}",
    subtypes=_SUBTYPES,
    events=_EVENTS,
)
