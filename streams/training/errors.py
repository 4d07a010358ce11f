"""What can be wrong with a training set."""

from schemas.errors import SkillstreamError


class TrainingError(SkillstreamError):
    """Events and labels from which nothing can be learnt; the message says why."""


class LabelsError(TrainingError):
    """A file of labels that cannot be used; the message names file and line."""
