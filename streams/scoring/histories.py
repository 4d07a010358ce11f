"""From the weeks of a row to the messages of `skill-history`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from schemas.history import HISTORY_VERSION, ScoreOfWeek, SkillHistory, encode_history
from streams.rows.weeks import SCALE, UNSCORED, WeekPoint, WeekUnderWay, monday_of, past_in, past_of
from streams.vocabulary import skill_code


class HistoryWriter:
    """Writes the weeks of skills of these names; those of others, which a row may have, are left out."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = {skill_code(name): name for name in names}

    def history(self, student: str, section: bytes) -> SkillHistory:
        """The weeks that are over in their part of a row."""
        return self._of(student, past_of(past_in(section)))

    def history_to_date(self, student: str, section: bytes) -> SkillHistory:
        """The same with the week under way behind them: for whoever asks now."""
        under_way = WeekUnderWay.of([section])
        weeks = past_of(under_way.past[0])
        for skill, score, low, high in under_way.scores[["skill", "score", "low", "high"]].tolist():
            if score != UNSCORED:
                weeks.setdefault(skill, []).append(WeekPoint(int(under_way.week[0]), score, low, high))
        return self._of(student, weeks)

    def write(
        self, keys: Sequence[bytes], sections: Sequence[bytes], rows: Iterable[int]
    ) -> Iterator[tuple[int, bytes]]:
        """The messages of the rows with these indices, by index; without weeks that are over there is none."""
        for row in rows:
            history = self.history(keys[row].decode(), sections[row])
            if history.skills:
                yield row, encode_history(history)

    def _of(self, student: str, weeks: Mapping[int, Sequence[WeekPoint]]) -> SkillHistory:
        named = {self._names[skill]: weeks[skill] for skill in weeks if skill in self._names}
        skills = {name: list(map(_score_of, named[name])) for name in sorted(named)}
        return SkillHistory(version=HISTORY_VERSION, student_id=student, skills=skills)


def _score_of(point: WeekPoint) -> ScoreOfWeek:
    low, high = (None if each == UNSCORED else each / SCALE for each in (point.low, point.high))
    return ScoreOfWeek(monday_of(point.week), point.score / SCALE, low, high)
