"""Errors as people and scripts see them: one line, one exit code."""

from schemas.errors import Fatal, KeyUnusable, Retryable, SkillstreamError

CHECK_FAILED = 1
WRONG_USAGE = 2
OUT_OF_REACH = 3
STOPPED = 4


class OutOfReach(SkillstreamError):
    """A server or a file that is not there."""


def exit_code_of(error: SkillstreamError) -> int:
    """The documented exit code of an error."""
    from agents.config.settings import SettingsError  # here: with numpy these take longer than all else of --help
    from streams.conversion.tables import TableUnreadable
    from streams.evaluation.predictions import EvaluationError
    from streams.evidence.artifacts import ArtifactError
    from streams.scoring.overrides import ConfigRefused
    from streams.skills.skill_set import SkillsError
    from streams.training.errors import TrainingError

    wrong_input = (
        SettingsError | SkillsError | ArtifactError | KeyUnusable | TableUnreadable | TrainingError | EvaluationError
    )
    if isinstance(error, wrong_input | ConfigRefused):
        return WRONG_USAGE
    if isinstance(error, OutOfReach | Retryable):
        return OUT_OF_REACH
    return STOPPED if isinstance(error, Fatal) else CHECK_FAILED


def error_line(error: SkillstreamError) -> str:
    """The error's message, or its name if it has none."""
    return str(error) or type(error).__name__
