"""What is a valid statement, what is not, and which rule is named."""

from typing import Any, Final

import pytest

from tests.contract.xapi_statements import ADA, ADL, ADL_TYPE, BEN, CLASS, ID, ITEM, OTHER_ID, decoded, statement

VOIDED: Final = {"id": f"{ADL}voided"}
REF: Final = {"objectType": "StatementRef", "id": OTHER_ID}
SUB: Final = {
    "objectType": "SubStatement",
    "actor": ADA,
    "verb": {"id": f"{ADL}answered"},
    "object": {"id": ITEM},
}
ATTACHED: Final = {
    "usageType": "https://school.example/drawing",
    "display": {"en": "a drawing"},
    "contentType": "image/png; charset=binary",
    "length": 27,
    "sha2": "495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a",
}
SIGNATURE: Final = {**ATTACHED, "usageType": "http://adlnet.gov/expapi/attachments/signature"}
AGENT_OF_CONTEXT: Final = {
    "objectType": "contextAgent",
    "agent": BEN,
    "relevantTypes": ["https://school.example/tutor"],
}
GROUP_OF_CONTEXT: Final = {"objectType": "contextGroup", "group": CLASS}


def activity(**definition: Any) -> dict[str, Any]:
    return {"object": {"id": ITEM, "definition": definition}}


def score(**given: Any) -> dict[str, Any]:
    return {"result": {"score": given}}


def context(**given: Any) -> dict[str, Any]:
    return {"context": given}


def without(part: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != name}


ACCEPTED: Final[dict[str, dict[str, Any]]] = {
    "the least": {"id": None, "timestamp": None, "verb": {"id": "urn:x"}, "object": {"id": "course-v1:a+b"}},
    "upper-case id, which RFC 4122 reads as lower": {"id": ID.upper()},
    "the standard's own id, of no variant": {"id": "12345678-1234-5678-1234-567812345678"},
    "empty extensions, null and empty in them": {"result": {"extensions": {"urn:a": None, "urn:b": {}, "urn:c": ""}}},
    "an empty result": {"result": {}},
    "an empty definition": {"object": {"id": ITEM, "definition": {}}},
    "mbox": {"actor": BEN},
    "mbox_sha1sum": {"actor": {"mbox_sha1sum": "CD9B00A5611F94EAA7B1661EDAB976068E364975"}},
    "openid": {"actor": {"openid": "https://ada.example", "objectType": "Agent", "name": ""}},
    "a group": {"actor": CLASS},
    "an identified group without members": {"actor": {"objectType": "Group", "mbox": "mailto:class@school.example"}},
    "IRI beyond ASCII": {"verb": {"id": "http://example.com/فعل/خواندن"}},
    "every language tag": {"verb": {"id": "urn:x", "display": dict.fromkeys(
        ("de", "ine", "und", "es-419", "zh-Hant", "zh-cmn-Hans-CN", "sl-rozaj-biske", "de-CH-1901", "x-whatever",
         "hy-Latn-IT-arevela", "az-Arab-x-AZE-derbend", "i-enochian", "en-GB-oed", "en-a-bbb-x-a-ccc"), "x")}},
    "score at its bounds": score(scaled=-1, raw=-5, min=-5, max=7.5),
    "nothing to be scored, as Open edX says it": score(min=0, max=0, raw=0, scaled=0),
    "raw alone": score(raw=12),
    "a duration of all units": {"result": {"duration": "P3Y1M29DT4H35M59.14S"}},
    "weeks": {"result": {"duration": "P4W"}},
    "a comma in a duration": {"result": {"duration": "PT0,5S"}},
    "basic form of a timestamp": {"timestamp": "20260302T110000Z"},
    "a timestamp with more than microseconds": {"timestamp": "2026-03-02T11:00:00.1234567+01:00"},
    "a timestamp without zone": {"timestamp": "2026-03-02T11:00:00"},
    "an ordinal date": {"timestamp": "2026-061T11:00:00Z"},
    "a week date": {"timestamp": "2026-W10-1T11:00:00Z"},
    "a leap second": {"timestamp": "2016-12-31T23:59:60Z"},
    "what a store adds": {"stored": "2026-03-02T11:00:01Z", "authority": BEN, "version": "1.0.0"},
    "version 1.0": {"version": "1.0"},
    "version 1.0.9": {"version": "1.0.9"},
    "version 2.0.0": {"version": "2.0.0"},
    "an authority of two": {"authority": {"objectType": "Group", "member": [ADA, BEN]}},
    "an instructor who is a group": context(instructor=CLASS),
    "all of a context": context(
        registration=ID, instructor=BEN, team=CLASS, revision="1", platform="", language="de-DE",
        statement=REF, extensions={}, contextActivities={"parent": {"id": "urn:p"}, "other": [{"id": "urn:o"}]},
    ),
    "no contextActivities, as templates have it": context(contextActivities={}),
    "context of version 2.0": {
        "version": "2.0", **context(contextAgents=[AGENT_OF_CONTEXT], contextGroups=[GROUP_OF_CONTEXT])
    },
    "context of version 2.0, and no version": {
        "version": None, **context(contextAgents=[AGENT_OF_CONTEXT], contextGroups=[GROUP_OF_CONTEXT])
    },
    "context of version 2.0 in a SubStatement, and no version": {
        "object": {**SUB, **context(contextGroups=[GROUP_OF_CONTEXT])}
    },
    "RFC 3339 with a space, in version 2.0": {"version": "2.0", "timestamp": "2026-03-02 11:00:00.601+00:00"},
    "an interaction": activity(
        interactionType="matching", correctResponsesPattern=[], source=[{"id": "a"}],
        target=[{"id": "a", "description": {"en": "A"}}],
    ),
    "an interaction of no type, as Open edX says it": activity(type=f"{ADL_TYPE}cmi.interaction"),
    "an empty display": {"verb": {"id": "urn:x", "display": {}}},
    "empty texts of an activity": activity(name={}, description={}),
    "the last second of a day, in version 2.0": {"version": "2.0", "timestamp": "2016-12-31T23:59:60+00:00"},
    "an Agent as object": {"object": {"objectType": "Agent", **BEN}},
    "a Group as object": {"object": CLASS},
    "a statement as object": {"object": REF},
    "a SubStatement as object": {"object": {**SUB, "timestamp": "2036-01-01T00:00:00Z", "context": {"team": CLASS}}},
    "an attachment": {"attachments": [ATTACHED]},
    "a signature": {"attachments": [{**SIGNATURE, "contentType": "Application/octet-stream"}]},
    "a voiding statement": {"verb": VOIDED, "object": REF},
}  # fmt: skip

REJECTED: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "no actor": ({"actor": None}, "XAPI-00003 at $"),
    "no verb": ({"verb": None}, "XAPI-00004 at $"),
    "no object": ({"object": None}, "XAPI-00005 at $"),
    "object is text": ({"object": "x"}, "XAPI-00006 at $.object"),
    "a number as text": (score(max="100"), "XAPI-00080 at $.result.score.max"),
    "a boolean as text": ({"result": {"success": "true"}}, "XAPI-00074 at $.result.success"),
    "the case of a property": ({"Actor": ADA}, "XAPI-00008 at $"),
    "the case of an inner property": ({"verb": {"ID": "urn:x", "id": "urn:x"}}, "XAPI-00008 at $.verb"),
    "the case of an enumerated value": (activity(interactionType="Choice"), "XAPI-00049 at $.object.definition"),
    "the case of an objectType": ({"actor": {**ADA, "objectType": "agent"}}, "XAPI-00031 at $.actor.objectType"),
    "an unknown property": ({"mood": "x"}, "XAPI-00010 at $"),
    "an unknown inner property": ({"result": {"mood": "x"}}, "XAPI-00010 at $.result"),
    "id is no UUID": ({"id": f"{ID}8"}, "XAPI-00027 at $.id"),
    "id without dashes": ({"id": ID.replace("-", "")}, "XAPI-00027 at $.id"),
    "a verb's id is a number": ({"verb": {"id": 1}}, "XAPI-00044 at $.verb.id"),
    "an activity's id is a number": ({"object": {"id": 1}}, "XAPI-00047 at $.object.id"),
    "id is a number": ({"id": 1}, "XAPI-00028 at $.id"),
    "nobody": ({"actor": {"name": "x"}}, "XAPI-00034 at $.actor"),
    "two identifiers": ({"actor": {**ADA, **BEN}}, "XAPI-00034 at $.actor"),
    "members of an Agent": ({"actor": {**ADA, "member": [BEN]}}, "XAPI-00035 at $.actor.member"),
    "a group in a group": (
        {"actor": {"objectType": "Group", "member": [ADA, CLASS]}}, "XAPI-00036 at $.actor.member[1].objectType"),
    "an anonymous group of nobody": ({"actor": {"objectType": "Group", "member": []}}, "XAPI-00037 at $.actor"),
    "a group of two identifiers": ({"actor": {"objectType": "Group", **ADA, **BEN}}, "XAPI-00037 at $.actor"),
    "an objectType that is a number": ({"actor": {**ADA, "objectType": 5}}, "XAPI-00032 at $.actor.objectType"),
    "an account's name that is a number": (
        {"actor": {"account": {"homePage": "urn:a", "name": 5}}}, "XAPI-00043 at $.actor.account.name"),
    "mbox without mailto": ({"actor": {"mbox": "ben@school.example"}}, "XAPI-00038 at $.actor.mbox"),
    "mbox without address": ({"actor": {"mbox": "mailto:school.example"}}, "XAPI-00038 at $.actor.mbox"),
    "sha1 of 39": ({"actor": {"mbox_sha1sum": "a" * 39}}, "XAPI-00039 at $.actor.mbox_sha1sum"),
    "openid without scheme": ({"actor": {"openid": "ada.example"}}, "XAPI-00040 at $.actor.openid"),
    "homePage without scheme": (
        {"actor": {"account": {"homePage": "school", "name": "a"}}}, "XAPI-00042 at $.actor.account.homePage"),
    "no homePage": ({"actor": {"account": {"name": "a"}}}, "XAPI-00042 at $.actor.account"),
    "no name of an account": ({"actor": {"account": {"homePage": "urn:a"}}}, "XAPI-00043 at $.actor.account"),
    "an empty name of an account": (
        {"actor": {"account": {"homePage": "urn:a", "name": ""}}}, "XAPI-00043 at $.actor.account.name"),
    "no verb id": ({"verb": {"display": {"en": "x"}}}, "XAPI-00044 at $.verb"),
    "verb id without scheme": ({"verb": {"id": "answered"}}, "XAPI-00044 at $.verb.id"),
    "verb id with a bad scheme": ({"verb": {"id": "ab=c://x"}}, "XAPI-00044 at $.verb.id"),
    "verb id with a blank": ({"verb": {"id": "urn:a b"}}, "XAPI-00044 at $.verb.id"),
    "an empty verb id": ({"verb": {"id": ""}}, "XAPI-00044 at $.verb.id"),
    "an unknown objectType": ({"object": {"objectType": "Thing", "id": "urn:x"}}, "XAPI-00046 at $.object.objectType"),
    "no activity id": ({"object": {"objectType": "Activity"}}, "XAPI-00047 at $.object"),
    "activity id is relative": ({"object": {"id": "/items/3"}}, "XAPI-00047 at $.object.id"),
    "definition is text": ({"object": {"id": ITEM, "definition": "x"}}, "XAPI-00048 at $.object.definition"),
    "interactionType unknown": (activity(interactionType="essay"), "XAPI-00049 at $.object.definition"),
    "type without scheme": (activity(type="question"), "XAPI-00060 at $.object.definition.type"),
    "an Agent as object without objectType": ({"object": BEN}, "XAPI-00065 at $.object"),
    "a SubStatement without verb": ({"object": without(SUB, "verb")}, "XAPI-00004 at $.object"),
    "a SubStatement of a bad actor": ({"object": {**SUB, "actor": {}}}, "XAPI-00034 at $.object.actor"),
    "a SubStatement's bad timestamp": ({"object": {**SUB, "timestamp": "x"}}, "XAPI-00123 at $.object.timestamp"),
    "a SubStatement's authority": ({"object": {**SUB, "authority": BEN}}, "XAPI-00067 at $.object"),
    "a SubStatement's version": ({"object": {**SUB, "version": "1.0"}}, "XAPI-00068 at $.object"),
    "a SubStatement's stored": ({"object": {**SUB, "stored": "2026-03-02T11:00:00Z"}}, "XAPI-00069 at $.object"),
    "a SubStatement's id": ({"object": {**SUB, "id": ID}}, "XAPI-00070 at $.object"),
    "a SubStatement in another": ({"object": {**SUB, "object": SUB}}, "XAPI-00071 at $.object.object.objectType"),
    "a reference to no id": ({"object": {"objectType": "StatementRef"}}, "XAPI-00072 at $.object"),
    "a reference to no UUID": ({"object": {**REF, "id": "urn:x"}}, "XAPI-00072 at $.object.id"),
    "duration of the other format": (
        {"result": {"duration": "P0001-01-01T00:00:00"}}, "XAPI-00077 at $.result.duration"),
    "weeks and days": ({"result": {"duration": "P4W1D"}}, "XAPI-00077 at $.result.duration"),
    "no duration": ({"result": {"duration": "PT"}}, "XAPI-00077 at $.result.duration"),
    "score is a number": ({"result": {"score": 5}}, "XAPI-00079 at $.result.score"),
    "max below min": (score(min=5, max=4), "XAPI-00080 at $.result.score.max"),
    "raw above max": (score(raw=5, max=4), "XAPI-00082 at $.result.score.raw"),
    "raw below min": (score(raw=-1, min=0), "XAPI-00082 at $.result.score.raw"),
    "scaled above 1": (score(scaled=1.01), "XAPI-00083 at $.result.score.scaled"),
    "scaled below -1": (score(scaled=-1.00001), "XAPI-00083 at $.result.score.scaled"),
    "a date of another country": ({"timestamp": "01/011/2015"}, "XAPI-00123 at $.timestamp"),
    "a leap second at another hour": ({"timestamp": "2016-12-31T22:59:60Z"}, "XAPI-00123 at $.timestamp"),
    "a timestamp at -00:00": ({"timestamp": "2008-09-15T15:53:00.601-00:00"}, "XAPI-00123 at $.timestamp"),
    "a timestamp at -0000": ({"timestamp": "2008-09-15T15:53:00.601-0000"}, "XAPI-00123 at $.timestamp"),
    "a timestamp at -00": ({"timestamp": "2008-09-15T15:53:00.601-00"}, "XAPI-00123 at $.timestamp"),
    "no zone in version 2.0": ({"version": "2.0.0", "timestamp": "2026-03-02T11:00:00"}, "XAPI-00123 at $.timestamp"),
    "the 24th hour in version 2.0": (
        {"version": "2.0.0", "timestamp": "2026-03-02T24:00:00Z"}, "XAPI-00123 at $.timestamp"),
    "an offset of 99 minutes in version 2.0": (
        {"version": "2.0.0", "timestamp": "2026-03-02T11:00:00+00:99"}, "XAPI-00123 at $.timestamp"),
    "basic form in version 2.0": ({"version": "2.0.0", "timestamp": "20260302T110000Z"}, "XAPI-00123 at $.timestamp"),
    "version 0.95": ({"version": "0.95"}, "XAPI-00101 at $.version"),
    "version 1.1.0": ({"version": "1.1.0"}, "XAPI-00101 at $.version"),
    "version 2.1": ({"version": "2.1"}, "XAPI-00101 at $.version"),
    "version is a number": ({"version": 1.0}, "XAPI-00101 at $.version"),
    "a voided activity": ({"verb": VOIDED}, "XAPI-00017 at $.object"),
    "a statement that is a number": ({}, "XAPI-00006 at $"),
}  # fmt: skip

TOLERATED: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "null": ({"result": {"response": None}}, "XAPI-00001 at $.result.response"),
    "null in a language map": ({"verb": {"id": "urn:x", "display": {"en": None}}}, "XAPI-00001 at $.verb.display"),
    "completion is a number": ({"result": {"completion": 1}}, "XAPI-00075 at $.result.completion"),
    "a name that is a number": ({"actor": {**CLASS, "name": 5}}, "XAPI-00033 at $.actor.name"),
    "a member's name that is a number": (
        {"actor": {**CLASS, "member": [{**BEN, "name": 5}]}}, "XAPI-00033 at $.actor.member[0].name"),
    "display is text": ({"verb": {"id": "urn:x", "display": "did"}}, "XAPI-00045 at $.verb.display"),
    "a text of a display is a number": (
        {"verb": {"id": "urn:x", "display": {"en": 5}}}, "XAPI-00045 at $.verb.display"),
    "name is text": (activity(name="Quiz"), "XAPI-00056 at $.object.definition.name"),
    "description is text": (activity(description="A quiz"), "XAPI-00059 at $.object.definition.description"),
    "extensions of a definition that are none": (
        activity(extensions=[1]), "XAPI-00057 at $.object.definition.extensions"),
    "a component is text": (
        activity(interactionType="choice", choices=["a"]), "XAPI-00063 at $.object.definition.choices[0]"),
    "a component's description is text": (
        activity(interactionType="likert", scale=[{"id": "a", "description": "A"}]),
        "XAPI-00062 at $.object.definition.scale[0].description"),
    "components that are no list": (
        activity(interactionType="choice", choices={"id": "a"}), "XAPI-00055 at $.object.definition.choices"),
    "pattern of numbers": (
        activity(interactionType="choice", correctResponsesPattern=[1]),
        "XAPI-00050 at $.object.definition.correctResponsesPattern[0]"),
    "a component twice": (
        activity(interactionType="choice", choices=[{"id": "a"}, {"id": "a"}]),
        "XAPI-00058 at $.object.definition.choices"),
    "a component without id": (
        activity(interactionType="likert", scale=[{}]), "XAPI-00058 at $.object.definition.scale[0]"),
    "moreInfo without scheme": (activity(moreInfo="x"), "XAPI-00061 at $.object.definition.moreInfo"),
    "pattern without type": (activity(correctResponsesPattern=["a"]), "XAPI-00064 at $.object.definition"),
    "choices without type": (activity(choices=[{"id": "a"}]), "XAPI-00064 at $.object.definition"),
    "response is a number": ({"result": {"response": 7}}, "XAPI-00076 at $.result.response"),
    "revision beside a person": ({"object": CLASS, **context(revision="1")}, "XAPI-00084 at $.context.revision"),
    "platform beside a statement": ({"object": REF, **context(platform="x")}, "XAPI-00085 at $.context.platform"),
    "contextActivities is text": (context(contextActivities="x"), "XAPI-00086 at $.context.contextActivities"),
    "registration is no UUID": (context(registration="7"), "XAPI-00087 at $.context.registration"),
    "instructor without identifier": (context(instructor={}), "XAPI-00034 at $.context.instructor"),
    "team is an Agent": (context(team=ADA), "XAPI-00088 at $.context.team"),
    "language of two regions": (context(language="de-419-DE"), "XAPI-00091 at $.context.language"),
    "statement without objectType": (context(statement={"id": ID}), "XAPI-00073 at $.context.statement"),
    "another kind of contextActivities": (
        context(contextActivities={"child": []}), "XAPI-00093 at $.context.contextActivities"),
    "a contextActivity that is none": (
        context(contextActivities={"parent": [{"id": "urn:x"}, {"key": 1}]}),
        "XAPI-00010 at $.context.contextActivities.parent[1]"),
    "a contextActivity of a bad id": (
        context(contextActivities={"other": {"id": "x"}}), "XAPI-00047 at $.context.contextActivities.other.id"),
    "an authority of one": ({"authority": {"objectType": "Group", "member": [ADA]}}, "XAPI-00098 at $.authority"),
    "an identified group as authority": ({"authority": {**CLASS, **BEN}}, "XAPI-00098 at $.authority"),
    "attachments that are no list": ({"attachments": ATTACHED}, "XAPI-00025 at $.attachments"),
    "length of an attachment": ({"attachments": [{**ATTACHED, "length": "27"}]}, "XAPI-00102 at $.attachments[0]"),
    "hash of an attachment": ({"attachments": [{**ATTACHED, "sha2": "x"}]}, "XAPI-00103 at $.attachments[0].sha2"),
    "fileUrl": ({"attachments": [{**ATTACHED, "fileUrl": "file.txt"}]}, "XAPI-00104 at $.attachments[0].fileUrl"),
    "contentType": (
        {"attachments": [{**ATTACHED, "contentType": "text"}]}, "XAPI-00105 at $.attachments[0].contentType"),
    "a signature of another type": (
        {"attachments": [{**SIGNATURE, "contentType": "application/json"}]},
        "XAPI-00115 at $.attachments[0].contentType"),
    "display of an attachment is text": (
        {"attachments": [{**ATTACHED, "display": "x"}]}, "XAPI-00106 at $.attachments[0].display"),
    "description of an attachment is text": (
        {"attachments": [{**ATTACHED, "description": "x"}]}, "XAPI-00006 at $.attachments[0].description"),
    "no display": ({"attachments": [without(ATTACHED, "display")]}, "XAPI-00106 at $.attachments[0]"),
    "usageType": ({"attachments": [{**ATTACHED, "usageType": "x"}]}, "XAPI-00107 at $.attachments[0].usageType"),
    "an extension without IRI": ({"result": {"extensions": {"mood": 1}}}, "XAPI-00118 at $.result.extensions"),
    "extensions of a result that are none": ({"result": {"extensions": 1}}, "XAPI-00078 at $.result.extensions"),
    "extensions that are none": (context(extensions=[1]), "XAPI-00120 at $.context.extensions"),
    "a language that is none": ({"verb": {"id": "urn:x", "display": {"a12345": "x"}}}, "XAPI-00121 at $.verb.display"),
    "an underscore in a language": (activity(name={"en_US": "x"}), "XAPI-00121 at $.object.definition.name"),
    "the same extension of a language twice": (
        {"verb": {"id": "urn:x", "display": {"ar-a-aaa-b-bbb-a-ccc": "x"}}}, "XAPI-00121 at $.verb.display"),
    "the thirteenth month": ({"stored": "2026-13-02T11:00:00Z"}, "XAPI-00123 at $.stored"),
    "2.0's context in 1.0": (
        {"version": "1.0.3", **context(contextAgents=[AGENT_OF_CONTEXT])}, "XAPI-00010 at $.context.contextAgents"),
    "a contextAgent's objectType is a number": (
        {"version": "2.0", **context(contextAgents=[{**AGENT_OF_CONTEXT, "objectType": 5}])},
        "IEEE 9274.1.1 contextAgents at $.context.contextAgents[0].objectType"),
    "a contextAgent's objectType": (
        {"version": "2.0", **context(contextAgents=[{**AGENT_OF_CONTEXT, "objectType": "Agent"}])},
        "XAPI-00009 at $.context.contextAgents[0].objectType"),
    "a contextAgent that is a group": (
        {"version": "2.0", **context(contextAgents=[{**AGENT_OF_CONTEXT, "agent": CLASS}])},
        "XAPI-00036 at $.context.contextAgents[0].agent.objectType"),
    "no relevantTypes": (
        {"version": "2.0", **context(contextGroups=[{**GROUP_OF_CONTEXT, "relevantTypes": []}])},
        "IEEE 9274.1.1 relevantTypes at $.context.contextGroups[0].relevantTypes"),
    "relevantTypes that are none": (
        {"version": "2.0", **context(contextAgents=[{**AGENT_OF_CONTEXT, "relevantTypes": ["abc"]}])},
        "IEEE 9274.1.1 relevantTypes at $.context.contextAgents[0].relevantTypes[0]"),
    "a group of activities, as Open edX says it": (
        {"object": {"objectType": "GroupActivity", "id": ITEM, "definition": {"interactionType": "other"}}},
        "XAPI-00046 at $.object.objectType"),
    "a group of activities as parent, as Open edX says it": (
        context(contextActivities={"parent": [{"objectType": "GroupActivity", "id": ITEM}]}),
        "XAPI-00009 at $.context.contextActivities.parent[0].objectType"),
    "the bare code of an exam, as Open edX says it": (
        context(contextActivities={"grouping": [{"id": "438AD672-DE2C-4F0B-8876-35444E7DD746"}]}),
        "XAPI-00047 at $.context.contextActivities.grouping[0].id"),
    "an unknown completion, as Moodle says it": (
        {"result": {"completion": "unknown"}}, "XAPI-00075 at $.result.completion"),
}  # fmt: skip


@pytest.mark.parametrize("change", ACCEPTED.values(), ids=ACCEPTED)
def test_a_statement_that_keeps_the_rules_is_accepted(change: dict[str, Any]) -> None:
    assert not decoded(statement(**change)).invalid


@pytest.mark.parametrize(("change", "names"), REJECTED.values(), ids=REJECTED)
def test_a_statement_that_breaks_a_rule_names_it(change: dict[str, Any], names: str) -> None:
    found = decoded(statement(**change) if change else [5])
    assert (list(found.events), list(found.ignored)) == ([], [])
    [invalid] = found.invalid
    rule, _, path = names.partition(" at ")
    assert invalid.error.startswith(f"{rule} at {path}"), invalid.error
    assert invalid.reason == ("unknown_version" if rule == "XAPI-00101" else "xapi_invalid")


@pytest.mark.parametrize(("change", "names"), TOLERATED.values(), ids=TOLERATED)
def test_what_is_broken_where_nobody_reads_costs_nothing_and_is_counted(change: dict[str, Any], names: str) -> None:
    found = decoded(statement(**change))
    assert not found.invalid
    assert found.events or found.ignored
    assert [(one.dialect, one.rule) for one in found.tolerated] == [("xapi", names.partition(" at ")[0])]


def test_a_tolerated_statement_says_what_it_says_without_the_broken_part() -> None:
    with_result = {"result": {"success": True, "duration": "PT5S"}}
    whole, broken = statement(**with_result), statement(**with_result, context={"team": 5}, attachments="none")
    assert decoded(broken).events == decoded(whole).events


def test_what_is_broken_where_it_is_read_is_refused_whatever_is_broken_beside_it() -> None:
    [invalid] = decoded(statement(verb={"id": "answered", "display": "did"}, context=5)).invalid
    assert invalid.error.startswith("XAPI-00044 at $.verb.id")


def test_a_response_that_is_no_text_is_refused_where_text_is_read() -> None:
    essay = {"object": {"id": ITEM, "definition": {"interactionType": "long-fill-in"}}, "result": {"response": 7}}
    [invalid] = decoded(statement(**essay)).invalid
    assert invalid.error.startswith("XAPI-00076 at $.result.response")


def test_a_statement_without_id_keeps_its_own_hash_though_parts_are_tolerated() -> None:
    one, other = (decoded(statement(id=None, context={"team": team})).events[0].event_id for team in (5, 6))
    assert one != other


def test_an_error_says_the_version_it_was_read_by() -> None:
    guesses = [decoded(statement(id="x", version=version)).invalid[0].schema_guess for version in (None, "2.0.0")]
    assert guesses == ["xapi-1.0", "xapi-2.0"]


def test_a_bad_statement_of_an_array_stops_none_of_the_others() -> None:
    found = decoded([statement(), statement(actor=None), 5, statement(id=OTHER_ID), statement("urn:unknown")])
    assert [event.event_id for event in found.events] == [ID, OTHER_ID]
    assert [invalid.index for invalid in found.invalid] == [1, 2]
    assert [(ignored.name, ignored.index) for ignored in found.ignored] == [("urn:unknown", 4)]


def test_no_error_quotes_what_a_student_wrote() -> None:
    secret = "I hate maths"
    for change in (
        {"result": {"duration": secret}},
        {"result": {"success": secret}},
        {"result": {secret: 1}},
        {"actor": {secret: secret, **ADA}},
        {f" - at `$.{secret}": 1},
        {"actor": {"mbox": secret}},
        activity(interactionType=secret),
        {"version": secret},
        {"timestamp": secret},
        {"type": ADL_TYPE, secret: secret},
    ):
        [invalid] = decoded(statement(**change)).invalid
        assert secret not in invalid.error
