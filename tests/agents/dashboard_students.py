"""A student as the queries answer: with scores, a profile, what changed, components, an explanation and a history."""

from typing import Final

from schemas.catalogue import LevelThresholds
from schemas.explanation import CitedFact, Claim, Explanation, SkillExplanation
from schemas.history import ScoreOfWeek, SkillHistory
from schemas.student_answer import DescribedEvidence, DescribedIndicator, DescribedSkill, LanguageRead, StudentAnswer
from schemas.update import ComponentMastery, ScoreChange

STUDENT_ID: Final = "sim-00042"
AS_OF: Final = "2026-11-26T10:15:00.000Z"


def answer() -> StudentAnswer:
    """Of a student in whom there is something of everything."""
    evidence = [
        DescribedEvidence(
            fact="retried",
            text="tried again after failing, and passed",
            time="2026-11-25T09:00:00Z",
            value=1,
            task="Levers",
        ),
        DescribedEvidence(
            fact="gave_up", text="gave up a task that was failed", time="2026-11-20T09:00:00Z", value=1, against=True
        ),
    ]
    indicators = [
        DescribedIndicator(name="retries", text="tries again after failing", count=12, of=13, trend=0.08),
        DescribedIndicator(name="gives_up", text="gives up", count=1, of=13, trend=-0.05),
    ]
    return StudentAnswer(
        student_id=STUDENT_ID,
        seq=(0, 812),
        as_of=AS_OF,
        config_version="c",
        skill_set="default",
        model="default@5f58fa01",
        levels=LevelThresholds(developing=0.4, proficient=0.7, min_confidence=0.2),
        skills={
            "problem_solving": DescribedSkill(
                kind="score",
                definition="finds a way to a goal that is not obvious",
                score=0.64,
                low=0.52,
                high=0.75,
                confidence=0.57,
                level="developing",
                validated=True,
                rests_on="It rests on how experiments were set up, and on what was written.",
                evidence=evidence,
            ),
            "reading": DescribedSkill(
                kind="mastery",
                definition="understands what is written",
                score=0.81,
                confidence=0.4,
                level="proficient",
                validated=False,
            ),
            "resilience": DescribedSkill(kind="profile", definition="goes on after failing", evidence=evidence[:1]),
        },
        behaviour={"resilience": indicators},
        language={"resilience": LanguageRead(texts=3.2, newest="2026-11-24T09:00:00Z")},
        mastery=[
            ComponentMastery(component="fractions", p=0.72, low=0.6, high=0.82, n=24, trend=0.1),
            ComponentMastery(component="levers", p=0.41, low=0.2, high=0.63, n=6, trend=-0.2),
        ],
        changed=[ScoreChange("problem_solving", 0.55, 0.64, 1), ScoreChange("reading", 0.85, 0.81)],
        class_id="7b",
        school_id="north",
    )


def explanation() -> Explanation:
    """By a model, of an update before the last."""
    facts = [
        CitedFact(id="problem_solving.1", text="tried again after failing, and passed", time="2026-11-25T09:00:00Z"),
        CitedFact(id="problem_solving.retries", text="tries again after failing: 12 of 13"),
    ]
    skill = SkillExplanation(
        skill="problem_solving",
        kind="score",
        score=0.6,
        confidence=0.5,
        validated=True,
        claims=[
            Claim(text="Goes on after a failure.", evidence=["problem_solving.1", "problem_solving.retries"]),
            Claim(text="Finds the lever.", evidence=["problem_solving.1"]),
        ],
        facts=facts,
        certainty="A few weeks of work.",
        suggestion="Ask for a second way to the same goal.",
    )
    return Explanation(
        version=2,
        student_id=STUDENT_ID,
        seq=(0, 800),
        as_of="2026-11-25T09:30:00.000Z",
        generated_at="2026-11-25T09:31:00.000Z",
        generator="model",
        model="gpt-4.1",
        summary="Works on, also after failures.",
        skills=[skill],
    )


def history() -> SkillHistory:
    """Twelve weeks of one skill; the last of them is under way."""
    mondays = [
        "09-07",
        "09-14",
        "09-21",
        "09-28",
        "10-05",
        "10-12",
        "10-19",
        "10-26",
        "11-02",
        "11-09",
        "11-16",
        "11-23",
    ]
    weeks = [
        ScoreOfWeek(f"2026-{day}", 0.3 + at * 0.03, 0.1 + at * 0.035, 0.55 + at * 0.02)
        for at, day in enumerate(mondays)
    ]
    return SkillHistory(version=1, student_id=STUDENT_ID, skills={"problem_solving": weeks})
