"""The xAPI dialect: statements of 1.0.3 and 2.0 (IEEE 9274.1.1), one or an array a record.

JSON ──reading──► statement that keeps all rules ──acts──► native events
            └─► the rule it breaks, and where
"""

from typing import Any, Final

from schemas.dialects.mapping import NO_MAPPING, Mapping
from schemas.dialects.record import Decoded, Ignored, Invalid, Record, Tolerated, require_few
from schemas.dialects.students import StudentKeys
from schemas.dialects.xapi import acts
from schemas.dialects.xapi.activities import FAMILY_OF, family, type_of
from schemas.dialects.xapi.broken import BrokenStatement
from schemas.dialects.xapi.reading import VOIDED, ReadStatement, read_statement, try_read
from schemas.dialects.xapi.senses import NONE, Sense, Senses
from schemas.dialects.xapi.verbs import VERBS
from schemas.errors import InvalidInput
from schemas.event import VERSION, NativeEvent

__all__ = ["Xapi"]

_NATIVE: Final = VERSION  # a number; a statement's version is text
_REQUIRED: Final = frozenset(("actor", "verb", "object"))


class Xapi:
    """Reads statements, by the table of verbs and what a platform's mapping adds to it."""

    name = "xapi"

    def __init__(self, mapping: Mapping = NO_MAPPING) -> None:
        self._verbs = VERBS | {verb: _mapped(kinds) for verb, kinds in mapping.xapi.items()}
        self._families = {**FAMILY_OF, **mapping.activity_types}
        self._typed = frozenset(verb for verb, kinds in mapping.xapi.items() if isinstance(kinds, dict))
        self._keys = StudentKeys(mapping.students)
        self._components = frozenset(mapping.components.xapi)

    def claims(self, document: Any) -> bool:
        """A statement, one that lacks its actor, verb or object, or an array with one in it."""
        if isinstance(document, list):
            return any(_looks_like_a_statement(part) for part in document)
        return _looks_like_a_statement(document)

    def try_decode(self, value: bytes, record: Record) -> Decoded | None:
        """Decode `value`, still unparsed, if it is a single statement, valid and usual: as `decode`, but faster.

        None says nothing against it: it is to be parsed, and asked whose it is. Never raises.
        """
        try:
            reading = try_read(value)
            if reading is None:
                return None
            events, of_no_use = self.events_of(reading, record)
        except InvalidInput:
            return None
        return Decoded(ignored=(Ignored(self.name, of_no_use),)) if of_no_use else Decoded(events)

    def decode(self, document: Any, record: Record) -> Decoded:
        """All statements, in order; a bad one of an array does not stop the others."""
        events: list[NativeEvent] = []
        invalid: list[Invalid] = []
        ignored: list[Ignored] = []
        parts: list[int] = []
        tolerated: list[Tolerated] = []
        statements = document if isinstance(document, list) else (document,)
        try:
            require_few(len(statements))
        except InvalidInput as error:
            return Decoded(invalid=(Invalid(error.reason, str(error), self.name),))
        for index, statement in enumerate(statements):
            try:
                reading = read_statement(statement)
                made, of_no_use = self.events_of(reading, record)
            except BrokenStatement as broken:
                invalid.append(self._invalid(broken.as_input(), statement, index))
            except InvalidInput as error:
                invalid.append(self._invalid(error, statement, index))
            else:
                events += made
                if reading.tolerated:
                    tolerated.append(Tolerated(self.name, reading.tolerated, index))
                if of_no_use:
                    ignored.append(Ignored(self.name, of_no_use, index))
                elif len(statements) > 1:
                    parts += [index] * len(made)
        return Decoded(events, invalid, ignored, parts, tolerated)

    def events_of(
        self, reading: ReadStatement, record: Record, own: Sense | None = None
    ) -> tuple[list[NativeEvent], str]:
        """A statement's events; why there are none, if there are none. `own` is a sense that its verb does not have.

        Raises InvalidInput where its time or a student's key is of no use, BrokenStatement for words that are no text.
        """
        verb = reading.statement.verb.id
        if verb == VOIDED:
            made = acts.voided(reading, record, self._keys)
        else:
            type = type_of(reading.object) if verb in self._typed else ""
            about = family(reading.object, self._families)
            sense = own or acts.sense_of(verb, about, self._verbs, type)
            if sense is None:
                return [], verb
            if reading.lacks_its_text and sense.is_of_words:
                raise BrokenStatement("XAPI-00076", "expected `str`", ".result.response")
            made = acts.events(reading, sense, about, record, self._keys, self._components)
        return made, "" if made else "group_without_members"

    def _invalid(self, error: InvalidInput, document: Any, index: int) -> Invalid:
        version = document.get("version") if isinstance(document, dict) else None
        guess = "xapi-2.0" if isinstance(version, str) and version.startswith("2.") else "xapi-1.0"
        return Invalid(error.reason, str(error), guess, index)


def _mapped(kinds: str | dict[str, str]) -> Senses:
    """The sense of a platform's verb: navigation where the mapping names none."""
    if isinstance(kinds, str):
        return {"": Sense(kinds)}
    return {"": NONE} | {about: Sense(kind) for about, kind in kinds.items()}


def _looks_like_a_statement(document: Any) -> bool:
    if not isinstance(document, dict) or "specversion" in document:
        return False
    if document.get("version") == _NATIVE and "type" in document:
        return False
    if {name.lower() for name in document} >= _REQUIRED:  # in any case, and whatever is there besides
        return True
    if "@context" in document:
        return False
    if "verb" in document:
        return True
    return "actor" in document and "object" in document and not ("action" in document or "type" in document)
