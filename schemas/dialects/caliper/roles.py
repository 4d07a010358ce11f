"""The roles of a member, from the LIS vocabulary: context roles, and the sub-roles of each."""

from typing import Any, Final

_MEMBERSHIP: Final = "http://purl.imsglobal.org/vocab/lis/v2/membership"
_SUB_ROLES: Final = {
    "Administrator": """Administrator Developer ExternalDeveloper ExternalSupport ExternalSystemAdministrator Support
        SystemAdministrator""",
    "ContentDeveloper": "ContentDeveloper ContentExpert ExternalContentExpert Librarian",
    "Instructor": """ExternalInstructor Grader GuestInstructor Instructor Lecturer PrimaryInstructor SecondaryInstructor
        TeachingAssistant TeachingAssistantGroup TeachingAssistantOffering TeachingAssistantSection
        TeachingAssistantTemplate""",
    "Learner": "ExternalLearner GuestLearner Learner NonCreditLearner",
    "Manager": "AreaManager CourseCoordinator ExternalObserver Manager Observer",
    "Member": "Member",
    "Mentor": """Advisor Auditor ExternalAdvisor ExternalAuditor ExternalLearningFacilitator ExternalMentor
        ExternalReviewer ExternalTutor LearningFacilitator Mentor Reviewer Tutor""",
    "Officer": "Chair Secretary Treasurer Vice-Chair",
}
_TERMS: Final = {
    *_SUB_ROLES,
    *(f"{role}#{sub_role}" for role, sub_roles in _SUB_ROLES.items() for sub_role in sub_roles.split()),
}
_ROLES: Final = frozenset(f"{before}{term}" for before in ("", f"{_MEMBERSHIP}#", f"{_MEMBERSHIP}/") for term in _TERMS)


def is_roles(value: Any) -> bool:
    """Whether `value` is an array of roles, each a term or its IRI."""
    try:
        return type(value) is list and _ROLES.issuperset(value)
    except TypeError:  # a role that is an object or an array
        return False
