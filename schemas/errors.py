"""The errors of skillstream, in three families that say what to do with them.

SkillstreamError
├── InvalidInput        the record is wrong and stays wrong: dead-letter it, go on
├── Retryable           the world is wrong for now: back off, try again
└── Fatal               going on would lose or falsify something: stop un-acked, loudly
"""


class SkillstreamError(Exception):
    """Base of every error that skillstream raises on purpose."""


class InvalidInput(SkillstreamError):
    """A record that can never be read.

    `reason` is a short, stable, countable code (`not_json`, `unknown_version`); the message explains it to a
    person and never quotes the student's content.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Retryable(SkillstreamError):
    """A fault that may pass: a broker away, a provider overloaded."""


class Fatal(SkillstreamError):
    """A fault after which nothing may be acknowledged."""


class KeyUnusable(Fatal):
    """A key to sign with, or to check what is signed, that is none or of another kind."""
