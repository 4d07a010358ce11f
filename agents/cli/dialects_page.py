"""docs/dialects.md, made of the dialects' tables."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from agents.cli.fed_skills import DefaultSkills
from schemas.dialects.caliper.v1p1 import V1P1
from schemas.dialects.caliper.v1p2 import V1P2
from schemas.dialects.caliper.version import Version
from schemas.dialects.xapi.activities import FAMILIES
from schemas.dialects.xapi.senses import Sense, Senses
from schemas.dialects.xapi.verbs import VOCABULARIES

_HEAD: Final = """\
# Dialects

What a platform may send, and what becomes of it. This page is printed by `skillstream dialects`; the tables are those
that the program reads by.

A record is a native event ([producing](producing.md)), one or an array of xAPI statements (1.0.x, 2.0), a Caliper
event or envelope (1.1, 1.2), or a CloudEvent (1.0) with any of these as its data. Which it is, and of which version,
is found from the record alone; there is no setting. A part that breaks a rule of its standard becomes a dead letter
that names the rule, with its place in the record; the other parts go on.

    verb or action ──► kind ──► native event ──► facts ──► skills

A verb that is in no table is *ignored*: counted as `ignored`, and by name in the metric
`skillstream_unknown_events_total` ([metrics](metrics.md)). A verb whose kind is `navigation` is known and of no use
for skills.

## Kinds

What an event of each kind feeds; the skills are those of the default set whose indicators or evidence it is. An
`attempt` that tells neither a score nor success comes to `navigation`. Kinds without a name have no verb: only native
events are such.
"""
_XAPI: Final = """\

## xAPI

By the end of a verb's IRI, below the prefixes of its vocabulary. Where a verb means something else of a video or a
question than of other activities, these are named, by families of activity types. `a, else b`: `b` where the
statement has neither score nor success. `http://adlnet.gov/expapi/verbs/voided` takes back the event of the statement
that it names, for as long as the student's row holds it. One statement of a group is an event of each member that it
names.

What a statement says of success, or its verb does (`passed`, `failed`), decides whether an attempt passed; only where
neither does, the score. A statement without `version` may be of 1.0 or 2.0, and may have what either allows.

Some is read though the standard would have it otherwise, since platforms send it and ADL's conformance tests refuse
none of it: a score whose `min` is its `max` (Open edX, where nothing can be scored: no score then, unless `scaled` says
one), an activity of the type `cmi.interaction` without an `interactionType` (Open edX), an empty language map. Of a
property that an object has twice the last counts.
"""
_FAMILIES: Final = """
Families, by the type of activity. An interaction for a long text is an `essay`; `person` is an Agent or a Group,
`statement` another statement. An interaction or an essay that a verb does not name is like a question.
"""
_CALIPER: Final = """\

## Caliper

By type and action; a name is `Type.Action`. The student is the actor, but of a graded attempt its assignee and of a
session that timed out its user. What is graded is an `attempt` where it is an item of an assessment, and a second
start of an attempt is a `retry`. Entities are no events: they are ignored, by their type.
"""
_CLOUDEVENTS: Final = """\

## CloudEvents

Structured (`content-type: application/cloudevents+json`, or any value with a `specversion`) or binary (headers
`ce_…`, in UTF-8 as they are; `content-type` is that of the data). The data is JSON, and an event of any other
dialect; a CloudEvent whose type names no native event, and whose data is of no dialect, be it JSON or not, is ignored
by its type. One without data (in binary mode: a record without value) is read as if its data were an empty object.
Batches are not defined for Kafka.

An event that can be voided (a statement with an id; a native one that is `voidable`) keeps its own id, by which a
voiding names it, and a repeat is known by that. Native data without a `version` is of version 1.
"""
_ATTRIBUTES: Final = (
    ("`specversion`", "`1.0`", ""),
    (
        "`source`, `id`",
        "required: a URI reference, and not empty",
        "together they are the event's id, by which a repeat is known; where the data holds several events, with the "
        "place of each",
    ),
    (
        "`type`",
        "required",
        "`type` of native data that says none: the last part (`com.example.attempt`, `com.example.attempt.v2`)",
    ),
    ("`subject`", "not empty", "`student_id` of native data that says none"),
    ("`time`", "RFC 3339", "`time` of native data and of statements that say none; without it, the record's"),
    (
        "`datacontenttype`",
        "`*/json` or `*/*+json`",
        "other content is a dead letter (`unsupported_content`) where `type` names a native event",
    ),
    ("`dataschema`", "an absolute URI", ""),
    ("any other", "`[a-z0-9]+`; a string, a boolean, or an integer of 32 bits", ""),
)
_STUDENTS: Final = """\

## Whose an event is

An event's student is a key of at most 256 characters, which longer ones are hashed to. Native events say it. From
others it is made by one rule, so that a student is the same whatever dialect speaks:

| named by | is called |
| --- | --- |
| an account of xAPI | home page and name, `https://lms.example/ada`; a slash in a name is `%2F`, a percent sign `%25` |
| an OpenID, an actor of Caliper | its IRI, as it is |
| a mailbox, or its SHA-1 | `mbox_sha1sum:` and the SHA-1, so that no address ends up in a key |

The SHA-1 is that of the `mbox` as it is sent, as the standard has it: `mailto:ben@School.example` and
`mailto:ben@school.example` are two students, though one mailbox. So send addresses in lower case.

Of the mapping's `[[students]]` the longest `prefix` that a name begins with is replaced by its `key`. So tenants are
kept apart, and names become what the platform's native events call its students.

## A mapping

A file in TOML, named by `SKILLSTREAM_MAPPING`, with all three parts optional: [mapping.toml](mapping.toml) is one.
What it says of a verb wins over the tables. All workers, and `verify`, `replay`, `train` and `dead-letters replay`,
need the same.

    [[students]]             names that begin with `prefix` get `key` instead
    [xapi]                   "IRI of a verb" = "kind"
    [caliper]                "Type.Action" = "kind"
"""


def page() -> str:
    """The page, as Markdown."""
    return "".join([_HEAD, *_kinds(), _XAPI, *_xapi(), _CALIPER, *_caliper(), _CLOUDEVENTS, *_cloudevents(), _STUDENTS])


def _kinds() -> Iterator[str]:
    yield from _head("kind", "native event", "facts", "skills that listen")
    for fed in DefaultSkills().fed():
        yield _row(_code(fed.kind), _code(fed.event), ", ".join(fed.facts), ", ".join(fed.skills))


def _xapi() -> Iterator[str]:
    for name, prefixes, verbs in VOCABULARIES:
        yield f"\n{name}: {', '.join(f'`{prefix}`' for prefix in prefixes)}\n"
        yield from _head("verb", "kind")
        for senses, of_it in _alike(verbs).items():
            yield _row(", ".join(map(_code, of_it)), senses)
    yield _FAMILIES
    yield from _head("family", "types")
    for family, types in FAMILIES.items():
        yield _row(family, ", ".join(map(_code, types)))


def _caliper() -> Iterator[str]:
    yield from _head("type", "actions", "kind", "versions")
    uses: dict[tuple[str, str], dict[str, list[str]]] = {}
    for label, version in (("1.1", V1P1), ("1.2", V1P2)):
        for type_, action, kind in _uses(version):
            uses.setdefault((type_, kind), {}).setdefault(action, []).append(label)
    for (type_, kind), actions in sorted(uses.items()):
        for versions, of_it in _alike({action: tuple(labels) for action, labels in actions.items()}).items():
            yield _row(_code(type_), ", ".join(map(_code, sorted(of_it))), _code(kind), versions)


def _cloudevents() -> Iterator[str]:
    yield from _head("attribute", "rule", "what for")
    for attribute in _ATTRIBUTES:
        yield _row(*attribute)


def _uses(version: Version) -> Iterator[tuple[str, str, str]]:
    for type_, usages in version.events.items():
        for action, usage in usages.items():
            yield type_, action, usage.kind


def _alike(named: Mapping[str, Senses | tuple[str, ...]]) -> dict[str, list[str]]:
    """Names by what is said of them, in words."""
    found: dict[str, list[str]] = {}
    for name, said in named.items():
        words = ", ".join(said) if isinstance(said, tuple) else _senses(said)
        found.setdefault(words, []).append(name)
    return found


def _senses(senses: Senses) -> str:
    others = [f"{family}: {_sense(sense)}" for family, sense in senses.items() if family]
    return "; ".join([_sense(senses[""]), *others])


def _sense(sense: Sense) -> str:
    said = f"{_code(sense.kind)}, else {_code(sense.bare)}" if sense.bare else _code(sense.kind)
    return said if sense.success is None else f"{said} ({'a success' if sense.success else 'no success'})"


def _head(*names: str) -> Iterable[str]:
    return ("\n", _row(*names), _row(*["---"] * len(names)))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""
