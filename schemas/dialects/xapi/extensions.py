"""The extensions that are read of statements: which attempt, how far, for whom. All others are their senders' own."""

from typing import Final

ATTEMPT: Final = "http://id.tincanapi.com/extension/attempt-id"
"""The number of the attempt: of an activity as Open edX says it, of the context as TRAX's logs for Moodle do."""
VIDEO_PROGRESS: Final = "https://w3id.org/xapi/video/extensions/progress"
CMI5_PROGRESS: Final = "https://w3id.org/xapi/cmi5/result/extensions/progress"
FOR: Final = "https://yetanalytics.com/profiles/prepositions/concepts/context-extensions/for"
"""The Agent whose work somebody else judged, as Moodle says it."""

READ_OF_ACTIVITIES: Final = (ATTEMPT,)
READ_OF_RESULTS: Final = (VIDEO_PROGRESS, CMI5_PROGRESS)
READ_OF_CONTEXTS: Final = (ATTEMPT, FOR)
