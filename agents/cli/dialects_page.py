"""docs/dialects.md, made of the dialects' tables."""

from collections.abc import Iterable, Iterator, Mapping

from agents.cli import dialects_prose as prose
from agents.cli.skills_by_dialect import DefaultSkills
from schemas.dialects.caliper.v1p1 import V1P1
from schemas.dialects.caliper.v1p2 import V1P2
from schemas.dialects.caliper.version import Version
from schemas.dialects.openedx.names import NAMES, PROBLEM_CHECK, PROBLEM_CHECK_OF_BROWSER, Derived
from schemas.dialects.xapi.activities import ACTIVITY_FAMILIES, FAMILY_OF
from schemas.dialects.xapi.acts import sense_of
from schemas.dialects.xapi.senses import Sense, Senses
from schemas.dialects.xapi.verbs import VERBS, VOCABULARIES


def page_of_dialects() -> str:
    """The page, as Markdown."""
    return "".join(
        [
            prose.TOP,
            *_kinds(),
            prose.XAPI,
            *_xapi(),
            prose.CALIPER,
            *_caliper(),
            prose.OPEN_EDX,
            *_open_edx(),
            prose.CLOUDEVENTS,
            *_cloudevents(),
            prose.ACTS,
            *_acts(),
            prose.STUDENTS,
        ]
    )


def _kinds() -> Iterator[str]:
    yield from _header("kind", "native event", "facts", "skills that listen")
    for fed in DefaultSkills().fed():
        yield _row(_code(fed.kind), _code(fed.event), ", ".join(fed.facts), ", ".join(fed.skills))


def _xapi() -> Iterator[str]:
    yield from _header("of", "what")
    for part, unread in prose.UNREAD_OF_XAPI:
        yield _row(part, unread)
    yield prose.CONFORMANCE_OF_XAPI
    for name, prefixes, verbs in VOCABULARIES:
        yield f"\n{name}: {', '.join(f'`{prefix}`' for prefix in prefixes)}\n"
        yield from _header("verb", "kind")
        for senses, of_it in _alike(verbs).items():
            yield _row(", ".join(map(_code, of_it)), senses)
    yield prose.COMPONENTS_OF_XAPI
    yield prose.FAMILIES_PROSE
    yield from _header("family", "types")
    for family, types in ACTIVITY_FAMILIES.items():
        yield _row(family, ", ".join(map(_code, types)))


def _caliper() -> Iterator[str]:
    yield from _header("type", "actions", "kind", "versions")
    uses: dict[tuple[str, str], dict[str, list[str]]] = {}
    for label, version in (("1.1", V1P1), ("1.2", V1P2)):
        for type_, action, kind in _uses(version):
            uses.setdefault((type_, kind), {}).setdefault(action, []).append(label)
    for (type_, kind), actions in sorted(uses.items()):
        for versions, of_it in _alike({action: tuple(labels) for action, labels in actions.items()}).items():
            yield _row(_code(type_), ", ".join(map(_code, sorted(of_it))), _code(kind), versions)


def _open_edx() -> Iterator[str]:
    yield from _header("of", "what is read")
    for what in prose.READ_OF_OPEN_EDX:
        yield _row(*what)
    yield prose.OPEN_EDX_REPEATS
    yield from _header("event", "verb", "of", "kind")
    named: dict[Derived, list[str]] = {}
    for name, derived in NAMES.items():
        named.setdefault(derived, []).append(name)
    named[PROBLEM_CHECK_OF_BROWSER] = [f"{PROBLEM_CHECK} (browser)"]
    for derived, names in named.items():
        sense = sense_of(derived.verb, FAMILY_OF.get(derived.type, ""), VERBS)
        kind = _sense(sense) if sense else ""
        yield _row(", ".join(map(_code, names)), *(_code(_end_of(iri)) for iri in derived), kind)


def _end_of(iri: str) -> str:
    return iri.rpartition("/")[2]


def _cloudevents() -> Iterator[str]:
    yield from _header("attribute", "rule", "what for")
    for attribute in prose.ATTRIBUTES:
        yield _row(*attribute)


def _acts() -> Iterator[str]:
    yield from _header("what", "by the attempt", "by the moment")
    for ids in prose.ACT_IDS:
        yield _row(*ids)


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
    if sense.is_of_another:
        said = f"{said} (judged for)"
    return said if sense.success is None else f"{said} ({'a success' if sense.success else 'no success'})"


def _header(*names: str) -> Iterable[str]:
    return ("\n", _row(*names), _row(*["---"] * len(names)))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""
