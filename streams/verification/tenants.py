"""Records of the input and the tenants that they prove, counted; what is held of whom."""

from collections.abc import Collection, Sequence

from schemas.dead_letter import DeadLetter
from schemas.dialects import Record
from streams.input.tenancy import TENANT_HEADER, UNSIGNED, Tenancy
from streams.input.tenant_decoding import FOREIGN_STUDENT, TENANT_HELD
from streams.input.tenant_hold import HoldLog
from streams.verification.report import TenantsReport


class TenantCount:
    """Counts into `report`, of one verification; `held` are all holds that there are."""

    def __init__(self, tenancy: Tenancy, held: HoldLog, report: TenantsReport) -> None:
        self._tenancy = tenancy
        self._report = report
        report.hold_count, report.standing = held.hold_count, len(held.standing)

    def note(self, records: Collection[Record], dead_letters: Sequence[tuple[Record, DeadLetter]]) -> None:
        """The next records of a partition, and the dead letters that are due for them."""
        for record in records:
            if self._tenancy.of_record(record) != UNSIGNED:
                self._report.proved += 1
            elif any(name == TENANT_HEADER for name, _ in record.headers):
                self._report.not_proved += 1
            else:
                self._report.unsigned += 1
        for _, dead_letter in dead_letters:
            self._report.foreign_students += dead_letter.reason == FOREIGN_STUDENT
            self._report.held += dead_letter.reason == TENANT_HELD
