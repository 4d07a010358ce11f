"""Why a secret cannot be had: something is set wrong, or where it is kept is away."""

from schemas.errors import Retryable, SkillstreamError


class SecretUnusable(SkillstreamError):
    """A person must act: a missing file, a refused token, no such field. Quotes no secret."""


class SecretsUnavailable(Retryable):
    """Where secrets are kept does not answer, and may again."""
