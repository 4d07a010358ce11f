"""Caliper's place among the dialects: records to events, with what is wrong and what is of no use."""

from typing import Any, Final

from schemas.dialects.act import native
from schemas.dialects.caliper.acts import act_of, kind_of, mark_of, score
from schemas.dialects.caliper.conformance import Conformant, require_conformant
from schemas.dialects.caliper.envelope import data_of, is_caliper, is_object
from schemas.dialects.caliper.misplaced import MARKS, in_place
from schemas.dialects.caliper.rules import BrokenRule
from schemas.dialects.caliper.student import who
from schemas.dialects.mapping import NO_MAPPING, Mapping
from schemas.dialects.record import Decoded, Ignored, Invalid, Record, Tolerated
from schemas.dialects.students import StudentKeys
from schemas.errors import InvalidInput
from schemas.event import NativeEvent

NO_SCORE: Final = "no score"
_MAX_NAME_CHARS: Final = 80


class Caliper:
    """Events of Caliper 1.1 and 1.2, in envelopes or on their own; entities are no events."""

    name = "caliper"

    def __init__(self, mapping: Mapping = NO_MAPPING) -> None:
        self._own = mapping.caliper
        self._students = StudentKeys(mapping.students)
        self._components = frozenset(mapping.components.caliper)

    def claims(self, document: Any) -> bool:
        return is_caliper(document)

    def decode(self, document: Any, record: Record) -> Decoded:
        try:
            data = data_of(document)
        except InvalidInput as error:
            return Decoded(invalid=(Invalid(error.reason, str(error), self.name),))
        events: list[NativeEvent] = []
        invalid: list[Invalid] = []
        ignored: list[Ignored] = []
        parts: list[int] = []
        tolerated = [Tolerated(self.name, rule) for rule in data.tolerated]
        has_several = len(data.items) > 1
        for index, (datum, path) in enumerate(data.items):
            try:
                found, broken = self._event(datum, path, data.version)
            except InvalidInput as error:
                invalid.append(Invalid(error.reason, str(error), self.name, index))
                continue
            if broken:
                tolerated.append(Tolerated(self.name, broken, index))
            if isinstance(found, str):
                ignored.append(Ignored(self.name, found, index))
            else:
                events += found
                if has_several:
                    parts += [index] * len(found)
        return Decoded(events, invalid, ignored, parts, tolerated)

    def _event(self, datum: Any, path: str, data_version: str) -> tuple[list[NativeEvent] | str, str]:
        """Its events, or of what is of no use its name and why; and the rule that it breaks where nobody reads it.

        Raises InvalidInput.
        """
        if not is_object(datum):
            raise BrokenRule("5.2-data", path)
        described = datum.get("type")
        if not _is_event(datum, described):
            return str(described)[:_MAX_NAME_CHARS], ""
        misplaced = ""
        if described in MARKS:
            datum, misplaced = in_place(datum)
        checked = require_conformant(datum, path, self._own, data_version)
        return self._read(datum, checked), misplaced or checked.tolerated

    def _read(self, datum: dict[str, Any], checked: Conformant) -> list[NativeEvent] | str:
        """Map a valid event to native ones; work that was marked was handed in, too. Raises InvalidInput."""
        name, usage = f"{checked.type}.{checked.action}"[:_MAX_NAME_CHARS], checked.usage
        kind = self._own.get(name) or (kind_of(datum, checked, usage) if usage else None)
        if kind is None:
            return name
        student = who(datum, usage.student if usage else "actor")
        if student.why:
            return f"{name} ({student.why})"
        if usage and usage.student == "assignee" and score(datum) is None:
            return f"{name} ({NO_SCORE})"
        act = act_of(datum, kind, self._students.of(student.name), checked.time, self._components)
        if kind == "submission" and act.score is not None:
            mark = native("mark", mark_of(act, datum))
            return [native(kind, act), mark]
        return [native(kind, act)]


def _is_event(datum: dict[str, Any], kind: Any) -> bool:
    """Whether it is to be read as an event, valid or not: an entity has neither action nor time."""
    return "action" in datum or "eventTime" in datum or not isinstance(kind, str) or kind.endswith("Event")
