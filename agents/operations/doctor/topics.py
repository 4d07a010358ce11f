"""Topics: those that are there fit, those that are missing could be made."""

from collections.abc import Iterator
from dataclasses import dataclass

from agents.config.settings import Settings
from agents.kafka.topics import TopicMismatch, try_topics
from agents.operations.doctor.finding import Finding, ok, refusal_finding, warning
from agents.operations.doctor.survey import Surveyed, survey


@dataclass(frozen=True, slots=True)
class Topics:
    """Implements Check. What is less than it should be is a warning: workers start, and suffer later."""

    settings: Settings
    timeout_s: float
    name: str = "topics"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Raises BrokerUnavailable."""
        surveyed = survey(self.settings, self.timeout_s)
        found = [finding for each in surveyed for finding in self._findings(each)]
        yield from found
        missing = [each.spec.name for each in surveyed if each.topic is None]
        if missing and all(finding.status != "problem" for finding in found):
            yield ok(f"a worker makes {', '.join(missing)}, as does `skillstream topics create`")
        if not found and len(missing) < len(surveyed):
            yield ok(f"{len(surveyed) - len(missing)} fit: {self.settings.partitions} partitions, policies, sizes")

    def _findings(self, each: Surveyed) -> Iterator[Finding]:
        try:
            try_topics(self.settings.broker, [each.spec], self.timeout_s)
        except TopicMismatch as error:
            yield refusal_finding(error)
            return
        if each.deviations:
            advice = each.mend or "; ".join(deviation.advice for deviation in each.deviations)
            said = "; ".join(deviation.what for deviation in each.deviations)
            yield warning(f"{each.spec.name}: {said}", advice)
