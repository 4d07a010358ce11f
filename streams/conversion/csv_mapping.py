"""What turns a CSV file of one's own into native events: a file in TOML.

delimiter = ";"

[time]
column = "when"
format = "%d.%m.%Y %H:%M"
timezone = "Europe/Berlin"

[fields]
student_id = "learner"

[[events]]
type = "attempt"
when = { action = ["answered"] }

[events.fields]
item_id = "task"
score = { column = "points", out_of = "most" }

A row is an event of the first of `events` whose `when` it fits; a row that fits none is passed over.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self, get_args

from msgspec import Meta, Struct, inspect

from schemas.configuration.document import read_toml
from schemas.configuration.similar import meant_or_all
from schemas.event import NativeEvent
from streams.conversion.csv_times import TimeColumn

EventType = Literal[
    "attempt", "failure", "retry", "hint", "submission", "mark", "overdue", "message", "reflection", "collaboration",
    "session", "media", "rubric", "navigation",
]  # fmt: skip
"""All but `control` and `voided`, whose fields no cells hold."""
_SAID_OTHERWISE: Final = frozenset(("version", "time"))
_NEEDED: Final = ("student_id",)
Constant = str | bool | int | float


class CsvColumn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a field's value is from: a column, else a `constant`.

    `values` replaces what cells say; what it does not name is an error. `default` is for empty cells, which else leave
    the field out. `out_of` divides by a number, or by another column. `separator` parts a cell that holds several.
    """

    column: str = ""
    constant: Constant | None = None
    values: dict[str, Constant] = {}
    default: Constant | None = None
    out_of: float | str = ""
    separator: Annotated[str, Meta(min_length=1)] = ";"


class CsvEvent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One type of event: which rows are of it, by what their columns say, and its fields."""

    type: EventType
    when: dict[str, tuple[str, ...]] = {}
    fields: dict[str, str | CsvColumn] = {}


class CsvMapping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping file. `fields` are of all events; an event's own win. `encoding` is a name that Python knows."""

    time: TimeColumn
    events: Annotated[tuple[CsvEvent, ...], Meta(min_length=1)]
    fields: dict[str, str | CsvColumn] = {}
    delimiter: Annotated[str, Meta(pattern="^.$")] = ","
    decimal: Literal[".", ","] = "."
    encoding: str = "utf-8"

    @classmethod
    def read(cls, text: str) -> Self:
        """The mapping that a TOML document is. Raises ValueError, whose message says where and what is wrong."""
        mapping = read_toml(text, cls)
        mapping.time.zone()
        _require_codec(mapping.encoding)
        for number, event in enumerate(mapping.events):
            _check(mapping, event, f"events.{number}")
        known = dict.fromkeys(name for event in mapping.events for name in fields_of(event.type))
        for name in mapping.fields:
            if name not in known:
                raise ValueError(f"fields: no event has a field {name!r}.{meant_or_all(name, known)}")
        return mapping

    def columns_of(self, event: CsvEvent) -> dict[str, CsvColumn]:
        """Where each field of such an event is from. Common fields that its type has not are left out."""
        known = fields_of(event.type)
        common = {name: source for name, source in self.fields.items() if name in known}
        return {
            name: CsvColumn(column=source) if isinstance(source, str) else source
            for name, source in {**common, **event.fields}.items()
        }

    def named_columns(self) -> Mapping[str, str]:
        """Every column that the mapping names, with where it does."""
        named: dict[str, str] = {}
        for number, event in enumerate(self.events):
            for column in event.when:
                named.setdefault(column, f"events.{number}.when")
            for name, source in self.columns_of(event).items():
                where = f"events.{number}.fields" if name in event.fields else "fields"
                for said in (source.column, source.out_of):
                    if isinstance(said, str) and said:
                        named.setdefault(said, f"{where}.{name}")
        return {self.time.column: "time.column", **named}


def fields_of(type: str) -> Mapping[str, inspect.Field]:
    """The fields that cells may say, of a type of native event, by name."""
    return _FIELDS[type]


def _check(mapping: CsvMapping, event: CsvEvent, where: str) -> None:
    known = fields_of(event.type)
    for name in event.fields:
        if name not in known:
            raise ValueError(f"{where}.fields: {event.type} has no field {name!r}.{meant_or_all(name, known)}")
    sources = mapping.columns_of(event)
    for name, field in known.items():
        if name not in sources and (field.required or name in _NEEDED) and name != "event_id":
            raise ValueError(f"{where}: {event.type} needs {name}: name its column in [fields] or [events.fields]")
    for name, source in sources.items():
        if bool(source.column) == (source.constant is not None):
            raise ValueError(f"{where}: {name} has a column or a constant: one of the two")


def _require_codec(name: str) -> None:
    try:
        "".encode(name)
    except (LookupError, ValueError):
        raise ValueError(f"encoding: {name!r} is no text encoding; utf-8, cp1252 and latin-1 are some") from None


def _fields(event: Any) -> dict[str, inspect.Field]:
    type_ = inspect.type_info(event)
    assert isinstance(type_, inspect.StructType)
    return {field.name: field for field in type_.fields if field.name not in _SAID_OTHERWISE}


_FIELDS: Final = {str(event.__struct_config__.tag): _fields(event) for event in get_args(NativeEvent)}
