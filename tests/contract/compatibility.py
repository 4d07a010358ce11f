"""Which changes of a schema break whom.

All rules come from one question: may somebody send what somebody else does not accept?

                    who sends                       who accepts
    read by us      producers, by the released      we, by the present schema
    said by us      we, by the present schema       consumers, by the released
    both            workers and tools of either version, each way

So for what we read, a new required field, a removed event type or enum value, a narrower range and a changed type
break. For what we say, a field that is left out where it was required, a new enum value, a wider range and a changed
type do: enums are closed for consumers, who may branch on them. New optional fields break nobody, since both sides
ignore fields that they do not know. Beyond what is accepted, in either direction: a field that vanishes breaks, since
who counted on it is no longer heard, or told; and so does another default, since fields at their default are left
out. A keyword that is not known here must not change. Schemas that contain themselves are not handled: there is none.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

from jsonschema import Draft202012Validator

Schema = dict[str, Any]
Direction = Literal["read", "said", "both"]

_LEAST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_SAME: Final = ("pattern", "format", "multipleOf", "uniqueItems", "const")
_STRUCTURE: Final = ("type", "enum", "anyOf", "properties", "required", "default", "$ref", "$defs")
_PARTS: Final = ("additionalProperties", "items", "prefixItems")
_SAYS_NOTHING: Final = ("$schema", "$id", "title", "description", "examples", "discriminator")
_KNOWN: Final = {*_LEAST, *_MOST, *_SAME, *_STRUCTURE, *_PARTS, *_SAYS_NOTHING}
_EVERYTHING: Final = ("object", "array", "string", "boolean", "null", "integer", "number")


def breaks(released: Schema, present: Schema, direction: Direction) -> list[str]:
    """What breaks somebody, each with the place in the message; none if the two are compatible."""
    found: list[str] = []
    if direction != "said":
        found += _Comparison(released, present, vanished_where_sent=True).misfits(released, present, "")
    if direction != "read":
        found += _Comparison(present, released, vanished_where_sent=False).misfits(present, released, "")
    return list(dict.fromkeys(found))


class _Comparison:
    """Of what is sent with what is accepted; each names its definitions itself.

    The released schema is the sent one where `vanished_where_sent`: fields that only it has have vanished.
    """

    def __init__(self, sent: Schema, accepted: Schema, *, vanished_where_sent: bool) -> None:
        self.sent = sent
        self.accepted = accepted
        self.vanished_where_sent = vanished_where_sent

    def misfits(self, sent: Schema, accepted: Schema, place: str) -> list[str]:
        """What of `sent` is not accepted, or has changed its meaning."""
        sent, accepted = _resolved(sent, self.sent), _resolved(accepted, self.accepted)
        if "anyOf" in sent:
            return [misfit for one in sent["anyOf"] for misfit in self.misfits(one, accepted, place)]
        if "anyOf" in accepted:
            return self._misfits_of_all(sent, accepted["anyOf"], place)
        return [
            *_unknown_keywords(sent, accepted, place),
            *_values(sent, accepted, place),
            *_bounds(sent, accepted, place),
            *self._fields(sent, accepted, place),
            *self._parts(sent, accepted, place),
        ]

    def _misfits_of_all(self, sent: Schema, accepted: Sequence[Schema], place: str) -> list[str]:
        """Of the alternative that is meant: the one of the same title, or that which fits best."""
        title = sent.get("title")
        named = [one for one in accepted if title is not None and _resolved(one, self.accepted).get("title") == title]
        return min((self.misfits(sent, one, place) for one in named or accepted), key=len)

    def _fields(self, sent: Schema, accepted: Schema, place: str) -> Iterator[str]:
        said, taken = sent.get("properties", {}), accepted.get("properties", {})
        for name in accepted.get("required", ()):
            if name not in sent.get("required", ()):
                yield f"{place}/{name}: required, and may be absent"
        released, present = (said, taken) if self.vanished_where_sent else (taken, said)
        for name in sorted(released.keys() - present.keys()):
            yield f"{place}/{name}: vanished"
        for name in sorted(said.keys() & taken.keys()):
            before, now = released[name], present[name]
            if "default" in before and "default" in now and before["default"] != now["default"]:
                yield f"{place}/{name}: default {before['default']!r} became {now['default']!r}"
            yield from self.misfits(said[name], taken[name], f"{place}/{name}")

    def _parts(self, sent: Schema, accepted: Schema, place: str) -> Iterator[str]:
        """Parts of arrays and of maps."""
        one, other = sent.get("prefixItems", []), accepted.get("prefixItems", [])
        if len(one) != len(other):
            yield f"{place}: {len(one)} places, {len(other)} are accepted"
        for number, (left, right) in enumerate(zip(one, other, strict=False)):
            yield from self.misfits(left, right, f"{place}/{number}")
        for keyword in ("items", "additionalProperties"):
            left, right = sent.get(keyword, True), accepted.get(keyword, True)
            if isinstance(left, dict) and isinstance(right, dict):
                yield from self.misfits(left, right, f"{place}/*")
            elif right is not True and left is not False and left != right:
                yield f"{place}/*: anything may come, which is not accepted"


def _resolved(schema: Schema, root: Schema) -> Schema:
    return _resolved(root["$defs"][schema["$ref"].rpartition("/")[2]], root) if "$ref" in schema else schema


def _unknown_keywords(sent: Schema, accepted: Schema, place: str) -> Iterator[str]:
    for keyword in sorted((sent.keys() | accepted.keys()) - _KNOWN):
        if sent.get(keyword) != accepted.get(keyword):
            yield f"{place}: {keyword} changed, and nothing here knows what that means"


def _values(sent: Schema, accepted: Schema, place: str) -> Iterator[str]:
    if "enum" in sent:
        refused = [one for one in sent["enum"] if not Draft202012Validator(accepted).is_valid(one)]
        if refused:
            yield f"{place}: may be {', '.join(map(repr, refused))}, which is not accepted"
    elif "enum" in accepted:
        yield f"{place}: only {', '.join(map(repr, accepted['enum']))} is accepted, anything may come"
    elif not _types(sent) <= _types(accepted):
        yield f"{place}: may be {_named(_types(sent) - _types(accepted))}, accepted is {_named(_types(accepted))}"


def _bounds(sent: Schema, accepted: Schema, place: str) -> Iterator[str]:
    if "enum" in sent:
        return  # each of its values was judged
    for keyword in _LEAST:
        if keyword in accepted and sent.get(keyword, float("-inf")) < accepted[keyword]:
            yield f"{place}: {keyword} {accepted[keyword]} is accepted, {sent.get(keyword, 'any')} may come"
    for keyword in _MOST:
        if keyword in accepted and sent.get(keyword, float("inf")) > accepted[keyword]:
            yield f"{place}: {keyword} {accepted[keyword]} is accepted, {sent.get(keyword, 'any')} may come"
    for keyword in _SAME:
        if keyword in accepted and sent.get(keyword) != accepted[keyword]:
            yield f"{place}: {keyword} {accepted[keyword]!r} is accepted, {sent.get(keyword, 'any')!r} may come"


def _types(schema: Schema) -> frozenset[str]:
    """The types that a value may be of. Whoever takes numbers takes integers."""
    named = schema.get("type", _EVERYTHING)
    types = frozenset([named] if isinstance(named, str) else named)
    return types | {"integer"} if "number" in types else types


def _named(types: frozenset[str]) -> str:
    return " or ".join(sorted(types))
