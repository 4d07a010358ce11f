"""A student's row: everything known of one student, one record of the table; here as one object.

Decayed sums are kept at the row's reference time: an event at time t adds v·2^((t − reference_us)/HALF_LIFE_US), in
whatever order events arrive (forward decay; Cormode, Shkapenyuk, Srivastava and Xu 2009). The layout in bytes is in
`streams.rows.layout`; batches of them are worked on as arrays (`streams.rows.row_batch`), single ones as this
(`streams.rows.codec`).
"""

import math
from typing import Final

from msgspec import Struct, field

from schemas.bounds import MAX_SKILLS
from streams.rows.layout import ID

MAX_ROW_BYTES: Final = 251_216  # above the worst case (tests/unit/test_row_bounds.py)
MAX_EVIDENCE: Final = 3
MAX_SKILL_STATES: Final = MAX_SKILLS + 16
"""Of the configured skills, and of as many others as there is room for: the skill set may come back."""
RECENT_IDS: Final = 48
SEGMENT_IDS: Final = 128
MAX_ROW_IDS: Final = RECENT_IDS + SEGMENT_IDS - 1
KNOWN_IDS: Final = 2_000
MAX_KNOWN_IDS: Final = 10_000
MAX_SEGMENTS: Final = -(-(MAX_KNOWN_IDS - RECENT_IDS) // SEGMENT_IDS)
ID_BYTES: Final = ID.itemsize
MAX_OPEN_FAILURES: Final = 8
MAX_CONTROLS: Final = 8
MAX_VOIDABLE: Final = 14
MAX_VOIDABLE_OF_EVENT: Final = 13 + MAX_SKILLS
"""What is in MAX_VOIDABLE: of seven attempts, each of two facts at least, of eight components at most, and a first
answer; of fourteen texts, each with four values that do not count. Or one event's seven facts, and its text's value for
each skill.
"""
MAX_HELD_ACTS: Final = 24
MAX_WEEKS: Final = 52
"""Of one skill with a score: weeks by event time in which it had one, the one under way among them."""
MAX_EXPLAINED_FACTS: Final = 16
"""Of one skill. Of one whose indicators read more nothing is kept of when it was explained."""
COMPONENTS_PER_STUDENT: Final = 64
MAX_COMPONENTS_PER_STUDENT: Final = 256
FAR_US: Final = 86_400 * 1_000_000
HALF_LIFE_US: Final = 30 * 86_400 * 1_000_000


class Totals(Struct):
    """One fact's sums: `n`, `total`, `squares` for life; `recent_n`, `recent_total` decayed to the reference time."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0
    recent_n: float = 0.0
    recent_total: float = 0.0
    newest_s: int = 0


class StoredEvidenceItem(Struct, frozen=True):
    """An event worth showing, by its code; `weight` in tenths, signed; `task` is a task's code, 0 for none."""

    code: int
    value: float
    time_s: int
    weight: int
    task: int = 0


class ControlUse(Struct):
    """How often one control was varied alone, and how often it was also the only one changed."""

    alone: int = 0
    isolated: int = 0


class SkillState(Struct):
    """One skill's own state: language and rubric sums (decayed), the last score, the score last explained (-1: none),
    the last evidence items.
    """

    text_n: float = 0.0
    text_total: float = 0.0
    text_newest_s: int = 0
    rubric_n: float = 0.0
    rubric_total: float = 0.0
    rubric_newest_s: int = 0
    score: float = -1.0
    confidence: float = 0.0
    explained: float = -1.0
    evidence_items: list[StoredEvidenceItem] = []


class Pending(Struct):
    """What reasoning is owed. Times in µs of the records' clock; `reasoned` is the position last explained."""

    reasoned_epoch: int = 0
    reasoned_offset: int = -1
    value: float = 0.0
    since_us: int = 0
    attempts: int = 0
    not_before_us: int = 0


class Row(Struct):
    """See the module. `offset` is that of the last record folded, under `epoch`.

    Of the `noted` hashes of ids, `ids` are those that no segment has, at least the last RECENT_IDS; `segments` has an
    int64 for each segment that is kept: the newest own time when it was sealed (see `streams.rows.segments`). Own times
    are not bounded by their records': `newest_us` is the newest of any id, `beyond_us` of those not known any more.
    An own time more than FAR_US after its record's is no newest: it has one of the 64 bits of `far_times` instead.
    `partial` is 1 where a version that kept only the last RECENT_IDS wrote the row, else 0.

    `voidable` are the values that the last voidable events added (see `streams.folding.voidable`), `acts` the acts that
    they told (`streams.folding.voided_acts`). `components` are the knowledge components that were answered
    (`streams.rows.components`), `explanations` when skills were last explained, and what was counted of them then
    (`streams.rows.explanations`), `tasks` what those are called that evidence items are of (`streams.rows.tasks`),
    `enrolment` the course, class, school and source last named (`streams.rows.enrolment`), `weeks` the scores of each
    week (`streams.rows.weeks`), `norms` the key of those that the scores were made under, empty without any.
    `skills` is by `skill_code`, `controls` and `open_failures` by CRC-32 of their names. A student was erased at
    `erased_us`, if above 0: what lies before the ends in `erasure` does not count (`streams.rows.erasure`), without any
    what was sent until then. Without `events` the row is but the tombstone row of one.
    """

    epoch: int = 0
    offset: int = -1
    reference_us: int = 0
    first_us: int = 0
    as_of_us: int = 0
    events: int = 0
    facts: dict[int, Totals] = {}
    controls: dict[int, ControlUse] = {}
    skills: dict[int, SkillState] = {}
    ids: bytes = b""
    origins: dict[int, tuple[int, int]] = {}
    open_failures: dict[int, int] = {}
    voidable: bytes = b""
    noted: int = 0
    partial: int = 0
    newest_us: int = 0
    beyond_us: int = 0
    far_times: int = 0
    segments: bytes = b""
    acts: bytes = b""
    components: bytes = b""
    explanations: bytes = b""
    tasks: bytes = b""
    enrolment: bytes = b""
    weeks: bytes = b""
    norms: bytes = b""
    erasure: bytes = b""
    pending: Pending = field(default_factory=Pending)
    erased_us: int = 0

    @property
    def is_tombstone(self) -> bool:
        """Whether this is all that is left of a student who was erased, and was not seen since."""
        return self.erased_us > 0 and self.events == 0


def decayed(reference_us: int, at_us: int) -> float:
    """The factor that carries a sum kept at `reference_us` to `at_us`."""
    return math.exp2((reference_us - at_us) / HALF_LIFE_US)
