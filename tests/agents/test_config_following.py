"""Following `fusion-config` while the topic behaves badly: the configuration in force stays."""

import asyncio
from collections.abc import Sequence

import pytest

from agents.fusion_config.following import ConfigFollower
from agents.kafka.errors import BrokerUnavailable, DamagedBatch, NoSuchTopic, TopicForbidden
from agents.kafka.followed import TopicStartedAnew
from schemas.catalogue import CatalogueEntry
from schemas.fusion_config import Overrides
from streams.evidence.artifacts import NO_ARTIFACT
from streams.pipeline import Pipeline
from streams.replay import FileRecord
from streams.scoring.config_log import RefusedEntry, RescoreEntry, encoded_config, encoded_request
from streams.scoring.overrides import version_of
from tests.events import NOW_MS, default_skills, fail_source

LOUD, QUIET = (Overrides(weights={"problem_solving": {"behaviour": weight}}) for weight in (2.5, 0.1))


class Over(Exception):
    """The script is at its end."""


def record(offset: int, overrides: Overrides | None = None, value: bytes = b"") -> FileRecord:
    key, written = encoded_request("") if overrides is None else encoded_config(overrides, "")
    return FileRecord(offset, NOW_MS, value or written, "fusion-config", 0, key)


class Script:
    """A topic that gives these answers, one a reading."""

    name = "fusion-config"

    def __init__(self, *answers: Sequence[FileRecord] | Exception) -> None:
        self._answers = iter((*answers, Over()))

    def read_on(self) -> Sequence[FileRecord]:
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Followed:
    """What a worker makes of a script."""

    def __init__(
        self, *answers: Sequence[FileRecord] | Exception, publishing: Sequence[BrokerUnavailable | None] = ()
    ) -> None:
        """`publishing`: what becomes of the first tries to publish an entry; others succeed."""
        self.refused: list[RefusedEntry] = []
        self.versions: list[str] = []
        self.pipeline = Pipeline(default_skills(), NO_ARTIFACT, on_failure=fail_source)
        self.published: list[str] = []
        self.rescored_while_publishing: list[RescoreEntry | None] = []
        self.unpublished: list[BrokerUnavailable | None] = []
        self._refusals = list(publishing)
        self.follower = ConfigFollower(
            Script(*answers),
            self.pipeline,
            self._publish,
            self.unpublished.append,
            self.refused.append,
            self.versions.append,
        )
        self.follower.begin(60.0)
        with pytest.raises(Over):
            asyncio.run(self.follower.follow(0.0))

    def _publish(self, entry: CatalogueEntry) -> None:
        assert entry.config_version not in self.versions, "its updates may be out before"
        self.rescored_while_publishing.append(self.follower.rescore)
        if self._refusals and (error := self._refusals.pop(0)) is not None:
            raise error
        self.published.append(entry.config_version)

    @property
    def overridden(self) -> str:
        """The version of what is in force; empty for nothing."""
        return self.pipeline.config_version.removeprefix(self.pipeline.base_version).removeprefix("-")


@pytest.mark.parametrize(
    "error",
    [BrokerUnavailable("away"), NoSuchTopic("gone"), TopicForbidden("no right"), DamagedBatch("torn")],
)
def test_a_topic_that_cannot_be_read_leaves_the_configuration_and_is_a_problem_until_it_can(error: Exception) -> None:
    lost = Followed([record(0, LOUD)], error)
    assert lost.overridden == version_of(LOUD)
    assert str(error) in (lost.follower.problem or "")

    found = Followed([record(0, LOUD)], error, error, [record(1, QUIET)])
    assert found.follower.problem is None
    assert found.overridden == version_of(QUIET)
    assert found.versions == [f"{found.pipeline.base_version}-{version_of(each)}" for each in (LOUD, QUIET)]


def test_a_topic_that_was_made_anew_is_read_from_its_start() -> None:
    anew = Followed([record(5, LOUD), record(6)], TopicStartedAnew(), [record(0, QUIET)])
    assert anew.overridden == version_of(QUIET)
    assert anew.follower.rescore is None

    assert Followed([record(5, LOUD)], TopicStartedAnew(), []).overridden == "", "as a worker that starts now would"
    assert Followed([record(5, LOUD)], TopicStartedAnew(), NoSuchTopic("")).overridden == version_of(LOUD)


def test_nothing_is_scored_before_the_topic_is_known() -> None:
    assert Followed(NoSuchTopic("not yet"), [record(0, LOUD)]).overridden == version_of(LOUD)

    follower = ConfigFollower(Script(NoSuchTopic("never")), Followed([]).pipeline, print, print, print, print)
    with pytest.raises(BrokerUnavailable, match="never"):
        follower.begin(0.0)


def test_what_is_in_force_was_published_before_and_no_version_twice_in_a_row() -> None:
    plain, loud = Followed([]), Followed([], [record(0, LOUD)], [], [record(1, QUIET)])

    assert plain.published == [plain.pipeline.base_version]
    assert loud.published == [loud.pipeline.base_version, *loud.versions]
    assert Followed([record(0, LOUD)]).published == loud.versions[:1], "nothing is said of what was never in force"


def test_students_are_scored_anew_by_the_configuration_before_the_request_and_not_before_it_is_in_force() -> None:
    followed = Followed([], [record(0, LOUD), record(1)], [], publishing=[None, BrokerUnavailable("away")])

    assert followed.rescored_while_publishing == [None, None, None]
    assert followed.follower.rescore is not None
    assert followed.follower.rescore.offset == 1
    assert followed.overridden == version_of(LOUD)


def test_a_configuration_that_cannot_be_published_waits_and_is_an_outage() -> None:
    away = BrokerUnavailable("away")

    waiting = Followed([], [record(0, LOUD)], publishing=[None, away])
    assert waiting.overridden == ""
    assert waiting.unpublished == [away]

    again = Followed([], [record(0, LOUD)], [], publishing=[None, away])
    assert again.overridden == version_of(LOUD)
    assert again.unpublished == [away, None]

    withdrawn = Followed([], [record(0, LOUD)], TopicStartedAnew(), [], publishing=[None, away])
    assert (withdrawn.overridden, withdrawn.unpublished) == ("", [away, None])

    with pytest.raises(BrokerUnavailable, match="away"):
        Followed([], publishing=[away])


def test_hostile_words_of_a_record_reach_the_log_as_one_plain_line(caplog: pytest.LogCaptureFixture) -> None:
    hostile = b'{"type":"config","version":1,"overrides":{},"\\u001b[31m\\n%s":1}' % (b"x" * 5_000)
    followed = Followed([record(0, LOUD, hostile)])

    [entry] = followed.refused
    assert entry.refusal == "unreadable"
    [line] = [each.getMessage() for each in caplog.records if "is refused" in each.getMessage()]
    assert line.isprintable()
    assert len(line) < 500
