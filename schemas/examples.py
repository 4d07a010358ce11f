"""An example of every message: in the contract, for whoever codes against it. Each is an instance of its type."""

from datetime import UTC, datetime
from typing import Any, Final

from schemas.announcement import ANNOUNCEMENT_VERSION, WorkerAnnouncement
from schemas.attention import AttentionRecord
from schemas.audit import AUDIT_VERSION, NO_RECORD, AuditActor, AuditRecord, NewestRecord
from schemas.catalogue import (
    CATALOGUE_VERSION,
    CataloguedFact,
    CataloguedSkill,
    CatalogueEntry,
    LevelThresholds,
    TrainingData,
)
from schemas.dead_letter import DeadLetter
from schemas.event import (
    Attempt,
    Collaboration,
    Control,
    Failure,
    Hint,
    Mark,
    Media,
    Message,
    NativeEvent,
    Navigation,
    Overdue,
    Reflection,
    Retry,
    Rubric,
    Session,
    Submission,
    Voided,
)
from schemas.explanation import EXPLANATION_VERSION, Claim, Explanation, ReasoningResult, SkillExplanation
from schemas.fusion_config import (
    FusionConfig,
    FusionConfigMessage,
    FusionOverrides,
    LevelOverrides,
    Overrides,
    RescoreRequest,
)
from schemas.history import HISTORY_VERSION, ScoreOfWeek, SkillHistory
from schemas.identity import StudentIdentity
from schemas.identity_start import START_VERSION, IdentityStartRecord
from schemas.norms import MANIFEST_VERSION, CoveredPosition, NormManifest
from schemas.student_answer import DescribedEvidence, DescribedIndicator, DescribedSkill, StudentAnswer
from schemas.tenant_hold import HOLD_VERSION, TenantHoldRecord
from schemas.update import (
    UPDATE_VERSION,
    Contribution,
    EvidenceItem,
    IndicatorRate,
    ScoreChange,
    SkillProfile,
    SkillScore,
    SkillUpdate,
)

_AT: Final = datetime(2026, 1, 5, 9, tzinfo=UTC)


def _who(event_id: str, minute: int) -> dict[str, Any]:
    return {"version": 1, "event_id": event_id, "student_id": "ada", "time": _AT.replace(minute=minute)}


EVENTS: Final[tuple[NativeEvent, ...]] = (
    Attempt(
        **_who("e1", 0),
        item_id="fractions-3",
        score=0.9,
        hints=1,
        duration_s=42.5,
        attempt=2,
        success=True,
        kcs=("adding fractions",),
    ),
    Failure(**_who("e2", 1), item_id="loops-1", gave_up=True),
    Retry(**_who("e3", 2), item_id="loops-1"),
    Hint(**_who("e4", 3), item_id="loops-1"),
    Submission(**_who("e5", 4), item_id="essay-1", due=_AT.replace(hour=23), score=0.7, weight=0.25),
    Mark(**_who("e20", 5), item_id="essay-1", score=0.7),
    Overdue(**_who("e6", 5), item_id="essay-2", weight=0.1),
    Control(**_who("e7", 6), task_id="climate", controls={"top": 2.0, "middle": 0.0}, changed=1, duration_s=3.5),
    Message(**_who("e8", 7), text="I can see why you are stuck, shall we try together?", in_reply_to="m-17"),
    Reflection(**_who("e9", 8), text="Next time I would start earlier.", item_id="essay-1", asked_for=True),
    Collaboration(**_who("e10", 9), act="helped"),
    Session(**_who("e11", 10), phase="end", duration_s=1800.0),
    Media(**_who("e12", 11), media_id="film-4", action="played", progress=0.4),
    Rubric(**_who("e13", 12), skill="empathy", rating=0.8),
    Voided(**_who("e14", 13), voided_id="e10"),
    Navigation(**_who("e15", 14), page="/courses/maths"),
)
UPDATE: Final = SkillUpdate(
    version=UPDATE_VERSION,
    student_id="ada",
    seq=(0, 4711),
    as_of="2026-01-05T09:12:00.000Z",
    skills={
        "problem_solving": SkillScore(
            score=0.6403,
            confidence=0.4122,
            level="developing",
            validated=True,
            contributions={
                "behaviour": Contribution(status="failed"),
                "model": Contribution(p=0.6403, n=16, age_s=600, log_odds=0.577),
            },
            evidence=[EvidenceItem(fact="varied_one", age_s=600, task="climate")],
        ),
        "resilience": SkillProfile(
            indicators={"tries_again_after_failing": IndicatorRate(count=3, of=4, trend=0.05)},
            evidence=[EvidenceItem("recovered", age_s=600, value=2), EvidenceItem("gave_up", age_s=60, direction=-1)],
        ),
    },
    degraded=["behaviour"],
    changed=[ScoreChange("problem_solving", 0.5812, 0.6403, 1)],
    class_id="7b",
    school_id="north",
    config_version="0bffd27fa203-a81815e0",
    norms_version="0fd81ae3c2b44d10",
    generated_at="2026-01-05T09:12:00.041Z",
)
CATALOGUE_ENTRY: Final = CatalogueEntry(
    version=CATALOGUE_VERSION,
    config_version="0bffd27fa203-a81815e0",
    skill_set="default",
    model="default@a81815e0",
    levels=LevelThresholds(developing=0.4, proficient=0.65, min_confidence=0.15),
    skills={
        "problem_solving": CataloguedSkill(
            definition="Finds a way when none is given, and checks that it works.",
            kind="score",
            weights={"model": 1.0, "behaviour": 0.6},
            rests_on={
                "behaviour": "indicators chosen by hand; no labels",
                "behaviour+model": "a model trained on PISA 2012 'climate control' (solved or not) and indicators "
                "chosen by hand",
                "model": "a model trained on PISA 2012 'climate control' (solved or not)",
                "rubric": "ratings by teachers",
            },
            indicators={"takes_hints": "took hints for {count} of {of} tasks"},
            trained_on=TrainingData(labels="pisa2012_climate", examples=30_000, students=3_000),
        ),
        "resilience": CataloguedSkill(
            definition="Goes on when something does not work.",
            kind="profile",
            weights={"behaviour": 1.0},
            rests_on={"rubric": "ratings by teachers"},
            indicators={"tries_again_after_failing": "came back to {count} of {of} failed tasks"},
        ),
    },
    facts={
        "gave_up": CataloguedFact(text="gave up on a task"),
        "recovered": CataloguedFact(text="passed a task on try {value}", unit="count"),
        "varied_one": CataloguedFact(text="ran a simulation with a single control set"),
    },
)
STUDENT_ANSWER: Final = StudentAnswer(
    student_id="ada",
    seq=(0, 120_034),
    as_of="2026-01-05T09:12:00.000Z",
    config_version=CATALOGUE_ENTRY.config_version,
    skill_set=CATALOGUE_ENTRY.skill_set,
    model=CATALOGUE_ENTRY.model,
    levels=CATALOGUE_ENTRY.levels,
    skills={
        "problem_solving": DescribedSkill(
            kind="score",
            definition=CATALOGUE_ENTRY.skills["problem_solving"].definition,
            score=0.71,
            low=0.52,
            high=0.86,
            confidence=0.44,
            level="proficient",
            validated=True,
            rests_on="a model trained on PISA 2012 'climate control' (solved or not)",
            contributions={"model": Contribution(p=0.71, n=14.0, age_s=60.0, log_odds=0.9)},
            evidence=[
                DescribedEvidence(
                    fact="varied_one",
                    text="ran a simulation with a single control set",
                    time="2026-01-05T09:11:00.000Z",
                    value=1.0,
                    task="climate",
                )
            ],
        )
    },
    behaviour={
        "problem_solving": [
            DescribedIndicator(name="takes_hints", text="took hints for 2 of 9 tasks", count=2.0, of=9.0)
        ]
    },
    language={},
)
ANNOUNCEMENT: Final = WorkerAnnouncement(
    version=ANNOUNCEMENT_VERSION,
    instance="skillstream-worker-0-7",
    url="http://10.0.0.7:6066",
    program="0.1.0",
    started=_AT,
    at=_AT.replace(minute=30),
    interval_s=30.0,
    ready=True,
    partitions=(0, 2),
    since=_AT.replace(minute=1),
)
AUDIT_RECORD: Final = AuditRecord(
    version=AUDIT_VERSION,
    writer="5b1f0a6c2d3e4f708192a3b4c5d6e7f8",
    sequence=0,
    previous=NO_RECORD,
    at=_AT.replace(minute=13),
    action="read_scores",
    who=AuditActor("reader", "9d2f41aa:0b5c2e8f7a6d4c3b2a1908f7e6d5c4b3"),
    outcome="answered",
    about=("9d2f41aa:6f1e2d3c4b5a69788796a5b4c3d2e1f0",),
    newest=NewestRecord(4_711, "3d" * 32),
)
TENANT_HOLD: Final = TenantHoldRecord(
    version=HOLD_VERSION,
    kind="hold",
    tenant="north",
    at=_AT,
    topic_id="v1xVjzYNRIOWRj3rQbv7Qg",
    partition=2,
    start=48_211,
    why="1001 of its last 1001 records cannot be read: not_json (1001)",
)
IDENTITY: Final = StudentIdentity("ada")
IDENTITY_START: Final = IdentityStartRecord(
    version=START_VERSION,
    kind="start",
    writer="8c1f0e6f5b0c4d6fa2b9d1c3e5f70812",
    topic_id="v1xVjzYNRIOWRj3rQbv7Qg",
    partition=2,
    other="0b5c2e8f7a6d4c3b2a1908f7e6d5c4b3",
    student="ada",
    start=48_211,
)
NORM_MANIFEST: Final = NormManifest(
    version=MANIFEST_VERSION,
    norms_version="9f86d081884c7d65",
    app_id="skillstream",
    number=12,
    pieces=2,
    size_bytes=1_204_112,
    clock=_AT,
    offsets=(CoveredPosition(0, 0, 41_230), CoveredPosition(1, 0, 40_977)),
    items=1_840,
    components=112,
    cohorts=37,
)
STUDENT_HISTORY: Final = SkillHistory(
    version=HISTORY_VERSION,
    student_id="ada",
    skills={
        "problem_solving": [
            ScoreOfWeek("2025-12-15", 0.5812, 0.4311, 0.7125),
            ScoreOfWeek("2025-12-22", 0.6, 0.45, 0.73),
        ]
    },
)
EXPLANATION: Final = Explanation(
    version=EXPLANATION_VERSION,
    student_id="ada",
    seq=(0, 4711),
    as_of="2026-01-05T09:12:00.000Z",
    generated_at="2026-01-05T09:12:03.250Z",
    generator="template",
    model="",
    summary="Resilience, as it was seen: came back to 3 of 4 failed tasks.",
    skills=[
        SkillExplanation(
            skill="problem_solving",
            kind="score",
            score=0.6403,
            confidence=0.4122,
            validated=True,
            claims=[Claim(text="Ran a simulation with a single control set.", evidence=["problem_solving.1"])],
            certainty="What is said of problem solving rests on 16 events, and is fairly sure.",
            suggestion="Before a hint, ask the learner to say what is known and what is still missing.",
        ),
        SkillExplanation(
            skill="resilience",
            kind="profile",
            validated=False,
            claims=[
                Claim(text="Came back to 3 of 4 failed tasks.", evidence=["resilience.tries_again_after_failing"]),
                Claim(text="Passed a task on try 2.", evidence=["resilience.1"]),
            ],
            conflict="For resilience, what was done points one way and what was written the other.",
        ),
    ],
)
CONFIGS: Final[tuple[FusionConfigMessage, ...]] = (
    FusionConfig(
        version=1,
        overrides=Overrides(
            weights={"problem_solving": {"behaviour": 0.7}},
            levels=LevelOverrides(proficient=0.7),
            fusion=FusionOverrides(half_life_days=90.0),
        ),
        reason="The behaviour of the autumn term counted too much.",
    ),
    RescoreRequest(version=1, reason="The new thresholds are to hold for everybody."),
)
RESULT: Final = ReasoningResult(
    version=1,
    student_id="ada",
    seq=(0, 4711),
    outcome="failed",
    attempts=2,
    at_us=1_767_604_323_250_000,
    not_before_us=1_767_604_343_250_000,
)
ATTENTION_RECORD: Final = AttentionRecord.of("ada", "e8", 1_767_604_020_000_000, "self_harm")
DEAD_LETTER: Final = DeadLetter(
    topic="student-activity",
    partition=3,
    offset=17,
    timestamp=1_767_603_600_000,
    index=0,
    reason="not_json",
    error="unexpected character: line 1 column 1 (char 0)",
    schema_guess="native",
)
