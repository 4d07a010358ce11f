"""Verification scores each update under the norms that it names."""

from collections.abc import Collection

import msgspec
import pytest

from schemas.update import SkillUpdate
from streams.evidence.artifacts import NO_ARTIFACT, Artifact, save_artifact
from streams.norms.view import NormView
from streams.pipeline import Pipeline
from streams.skills.skills_file import load_skills
from streams.verification.rescoring import Rescoring
from tests.events import fail_source
from tests.norms import snapshot_of
from tests.unit.mastery.banks import ANGLES, BANK, FRACTIONS
from tests.unit.mastery.test_mastery_updates import CARD
from tests.unit.verified import World

SKILLS = load_skills("mastery")
EASY, HARD = (
    NormView(snapshot_of(components={FRACTIONS: {"answers": 900, "wins": wins}, ANGLES: {"answers": 900, "wins": 450}}))
    for wins in (860, 40)
)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return save_artifact(tmp_path_factory.mktemp("artifact"), CARD, {"mastery": BANK})


class UnderNorms:
    """A worker whose norms change, and a verification that finds some of them. Implements KnownNorms."""

    def __init__(self, artifact: Artifact, known: Collection[NormView]) -> None:
        self._known = {view.version: view for view in known}
        self.pipeline = Pipeline(SKILLS, artifact, on_failure=fail_source)
        rescoring = Rescoring(SKILLS, artifact, norms=self)
        self.world = World(pipeline_of=lambda _failing: self.pipeline, rescoring=lambda: rescoring)

    def answer(self, *in_force: NormView | None) -> None:
        """One more answer under each of these."""
        for norms in in_force:
            self.pipeline.put_norms(norms)
            self.world.fold([self.world.event("ada", kcs=(FRACTIONS, ANGLES), score=1.0)])

    def find(self, version: str) -> NormView | None:
        return self._known.get(version)


@pytest.mark.parametrize("last", [None, EASY, HARD])
def test_an_update_is_scored_again_under_the_norms_that_it_names(artifact: Artifact, last: NormView | None) -> None:
    worker = UnderNorms(artifact, [EASY, HARD])
    worker.answer(HARD, EASY, last)
    verdict = worker.world.verify()

    assert (verdict.differences, verdict.left_out) == ([], {})

    worker.world.say(_named(worker.world.last_update("ada"), HARD if last is EASY else EASY))
    assert worker.world.verify().kinds == [("ada", "update")]


def test_an_update_whose_norms_are_gone_is_not_judged(artifact: Artifact) -> None:
    worker = UnderNorms(artifact, [HARD])
    worker.answer(HARD, EASY)
    verdict = worker.world.verify()

    assert verdict.differences == []
    assert verdict.left_out == {"their update names norms that the topic does not hold": 1}


def test_a_row_that_was_scored_under_other_norms_than_its_last_update_is_no_difference(artifact: Artifact) -> None:
    worker = UnderNorms(artifact, [EASY, HARD])
    worker.answer(EASY)
    said = worker.world.last_update("ada")
    again = UnderNorms(artifact, [EASY, HARD])
    again.answer(HARD)

    again.world.say(said)

    assert again.world.verify().differences == []


def test_norms_that_are_gone_do_not_matter_where_nothing_reads_them() -> None:
    skills = load_skills("default")
    world = World(rescoring=lambda: Rescoring(skills, NO_ARTIFACT))
    world.fold([world.event("ada")])
    world.say(_named(world.last_update("ada"), EASY))

    verdict = world.verify()

    assert (verdict.differences, verdict.left_out) == ([], {})


def _named(update: SkillUpdate, norms: NormView) -> SkillUpdate:
    return msgspec.structs.replace(update, norms_version=norms.version)
