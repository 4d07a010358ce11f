"""The snapshots of norms that a verification reads: where the topic cannot be read, that is a note, and no end."""

from contextlib import suppress

from agents.config.settings import Settings
from agents.kafka.errors import DamagedBatch, TopicForbidden
from agents.norms.stored import StoredNorms
from streams.norms.sealed import NormsUnreadable
from streams.norms.snapshot import NormSnapshot
from streams.norms.view import NormView
from streams.verification.audit import NotCompared
from streams.verification.report import VerificationReport


class VerifiedNorms:
    """Of one deployment. Implements KnownNorms. Raises BrokerUnavailable."""

    def __init__(self, settings: Settings) -> None:
        self._stored = StoredNorms(settings)

    def find(self, version: str) -> NormView | None:
        """See KnownNorms."""
        with suppress(TopicForbidden, DamagedBatch):
            return self._stored.find(version)
        return None

    def newest_version(self, report: VerificationReport) -> str:
        """Of the snapshot in force; "" where there is none, or nobody can know. What is not judged is noted."""
        try:
            newest, wrong = self._stored.newest()
        except (TopicForbidden, DamagedBatch) as error:
            report.leave_out(f"the newest snapshot of norms is not judged: {error}")
            return ""
        for each in wrong:
            report.mention(f"snapshots that are newer than the norms in force are not judged: {each}", 1)
        return "" if newest is None else newest.version

    def read(self, version: str) -> NormSnapshot | NotCompared | None:
        """The norms of that version, or why they cannot be read; None for "", that of none."""
        try:
            return self._stored.read(version) if version else None
        except (NormsUnreadable, TopicForbidden, DamagedBatch) as error:
            return NotCompared(str(error))
