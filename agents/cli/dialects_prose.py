"""What docs/dialects.md says around the dialects' tables."""

from typing import Final

TOP: Final = """\
# Dialects

What a platform may send, and what becomes of it. This page is printed by `skillstream dialects`; the tables are those
that the program reads by.

A record is a native event ([producing](producing.md)), one or an array of xAPI statements (1.0.x, 2.0), a Caliper
event or envelope (1.1, 1.2), a tracking event of Open edX, or a CloudEvent (1.0) with any of these as its data. Which
it is, and of which version, is found from the record alone; there is no setting. A record of none of these is a dead
letter (`no_dialect`).

A part that breaks a rule of its standard becomes a dead letter that names the rule, with its place in the record; the
other parts go on. But what is broken where nobody reads it does not cost the event: it is read, and counted by its
rule in the metric `skillstream_tolerated_faults_total`, so that the fault can be mended where it is made. What is not
read is said below, for each standard. In every dialect a byte order mark before a record is left out, half a surrogate
pair (an escape such as `\\ud83d` alone) is read as U+FFFD where it is in a text or in what is not read, and a leap
second (`23:59:60` in UTC) is the second after it.

    verb or action ──► kind ──► native event ──► facts ──► skills

A verb that is in no table is *ignored*: counted as `ignored`, and as `other` in the metric
`skillstream_unknown_events_total` ([metrics](metrics.md)), since a name that a producer made up may be anything, a
person's too. `skillstream dialects --seen` asks a running worker for these names, with its `SKILLSTREAM_WEB_TOKEN`:
the most frequent and the newest, mail addresses shortened. A rating (`rubric`) of a skill that is not configured is
ignored likewise, as `unknown_skill`. A verb whose kind is `navigation` is known and of no use for skills.

## Kinds

What an event of each kind feeds; the skills are those of the default set whose indicators or evidence it is. An
`attempt` that tells neither a score nor success comes to `navigation`. Kinds without a name have no verb: only native
events are such.
"""
XAPI: Final = """\

## xAPI

By the end of a verb's IRI, below the prefixes of its vocabulary. Where a verb means something else of a video or a
question than of other activities, these are named, by families of activity types. `a, else b`: `b` where the
statement has neither score nor success. `http://adlnet.gov/expapi/verbs/voided` takes back the event of the statement
that it names, for as long as the student's row holds it. One statement of a group is an event of each member that it
names.

What a statement says of success, or its verb does (`passed`, `failed`), decides whether an attempt passed; only where
neither does, the score. But a success beside the least possible score is no pass, unless the verb says so: the platform
has no pass mark (Moodle). A statement without `version` may be of 1.0 or 2.0, and may have what either allows.

A score is

1. where `raw`, `min` and `max` are said and `max` is above `min`: the share of `raw` between the others. `scaled` may
   be scaled to anything (Moodle's is from -1 to 1).
2. else `scaled`, where below zero is as good as zero; but below zero it says less than a `raw` of zero or more with a
   `max`, which 3 reads.
3. else the share of `raw` in `max`, where `max` is above zero and no `min` is said.
4. else zero, where no `max` is said and `raw` is the `min` (zero where none is said): the least is the least.
5. else none: a `raw` whose most is not known tells nothing. Where `max` is `min` nothing could be scored (Open edX's
   problems of no weight): there is no score then, unless `scaled` is above zero, and no success.

`judged for`: the verb is somebody's who judged work. Whose work it was is said by the extension
`https://yetanalytics.com/profiles/prepositions/concepts/context-extensions/for` of the context (Moodle); without it, it
is the actor's. A comment that Open edX posts (its id has `/discussion/v1/comments/`) is a reply, though it does not say
to what. HTML is taken out of texts before they are read; an answer in words is an `essay`: it
is written to nobody, and was asked for, so its phrases are read and nothing else.

Not read, and so tolerated where it breaks a rule:
"""
UNREAD_OF_XAPI: Final = (
    ("a statement", "`attachments`, `authority`; `stored` where there is a `timestamp`"),
    (
        "its context",
        "all but its `platform`, the activities that say of which type they are, and the extensions for an attempt's "
        "number, cmi5's session and whom it is for",
    ),
    ("an actor", "`name`"),
    ("a verb", "`display`"),
    (
        "an activity",
        "of its definition `name`, `description`, `moreInfo`, `correctResponsesPattern`, `choices`, `scale`, `source`, "
        "`target`, `steps`; `GroupActivity` as `objectType` (Open edX's problems of several questions) is read as "
        "`Activity`",
    ),
    ("a result", "`completion`; a `response` that is no text, where no text is looked for"),
    (
        "anything",
        "`extensions` but those for an attempt's number and for progress; keys of extensions that are no IRIs",
    ),
)
CONFORMANCE_OF_XAPI: Final = """
So of ADL's conformance tests those are not refused that break one of these parts (a wrong type, a missing or malformed
value, `null`), by whatever rule. All others are: of the actor, the verb's id, the object's id, type and
interactionType, score, success, duration, times, id and version, and any property that the standard does not know,
since it may be one that is read, misspelled. And some is valid here though the standard would have it otherwise, since
ADL's tests refuse none of it: a score whose `min` is its `max`, an activity of the type `cmi.interaction` without an
`interactionType` (Open edX), an empty language map, empty `contextActivities` (ADL took that test out in 2017). Of a
property that an object has twice the last counts.
"""
FAMILIES_PROSE: Final = """
Families, by the type of activity. An interaction for a long text is an `essay`; `person` is an Agent or a Group,
`statement` another statement. An interaction or an essay that a verb does not name is like a question.
"""
COMPONENTS_OF_XAPI: Final = """
An attempt's `kcs` are the ids of the activities among `category` and `grouping` whose type is a component's: ADL's
`objective` and the `competency` of its TLA profile, or what `mapping.toml` names instead. Of more than eight the first
eight count. An id of more than 64 characters becomes its last 48, behind 15 digits of its SHA-256 and `…`.

`course_id` is the first activity of a course's type in `parent`, `grouping` or `other`, `source` the `platform`.
`course_id` is in updates; `source` is for [norms](consuming.md#norms) alone.
"""
CALIPER: Final = """\

## Caliper

By type and action; a name is `Type.Action`. The student is the actor, but of a graded attempt its assignee and of a
session that timed out its user. What is graded is an `attempt` where it is an assessment or an item of one, as in
xAPI, and a second start of an attempt is a `retry`. Entities are no events: they are ignored, by their type. HTML is
taken out of texts before they are read.

Read of an entity are only its `id` and `type`, and of attempts, scores, messages, media, memberships and sessions
what tells who, what, when and how well: `assignable`, `assignee`, `attempt`, `body`, `bookmarkNotes`, `count`,
`currentTime`, `dateToSubmit`, `duration`, `endedAtTime`, `maxResultScore`, `maxScore`, `member`, `replyTo`,
`resultScore`, `roles`, `scoreGiven`, `startedAtTime`, `user`, `value`. A rule that anything else within an event's
entities breaks is tolerated (dates, names, creators, keywords, what an entity is part of …), and so is one about an
envelope's `sensor`, `sendTime` and properties of one's own. What the event itself has is held to the specification
whether it is read or not: its properties, and the types of its actor, object, target, generated, referrer, edApp,
group, membership and sessions, as the tables of its profile have them. Of 1EdTech's fixtures of errors, so those of
events are refused, and those of entities and envelopes only where they are about what is read.

An attempt's `kcs` are what its item is aligned to: `learningObjectives`, `alignedLearningObjective` or
`assessedSkills` of the type `LearningObjective`, or of those that `mapping.toml` names instead, and IRIs alone. They
are named as xAPI's are. `source` is the `edApp`; `class_id` and `course_id` are the `CourseSection` and the
`CourseOffering` that the `group` is, or is part of by `subOrganizationOf`. What is broken in what an item is aligned
to is passed over.

Some is allowed that platforms send and the specification has not: an attempt as the object of an `AssignableEvent` or
an `AssessmentEvent`, a topic's `ThreadEvent.Created`, and in 1.1 a `NavigationEvent` of an application, which is
ignored (Canvas); the type `Webpage`, and marks whose score is within `generated.score` and whose assignable, assignee
and count are in the extensions of their attempt (Open edX). Of an envelope or an array, what is no object is a dead
letter (`5.2-data`) by itself, if anything in it is one.
"""
OPEN_EDX: Final = """\

## Open edX

Tracking events, one a record: as they are routed (`name`, `timestamp`, `context`, `data`), or as lines of
`tracking.log` (`event_type`, `event_source`, `username`, `time`, `event`), for which `skillstream replay tracking.log`
does, compressed or not. An event means what the xAPI statement means that Open edX's event-routing-backends derives
from it: the table has its verb, and the kind that the tables above make of that. What was scored, whether it was right
and which attempt it was are read as there, and a problem of several questions is an event of the problem and one of
each question. What a `mapping.toml` says of a verb holds for the events that come to it.

Where Open edX derives Caliper, that says less, and some of it something else: who enrols and who sees a hint is
`navigation` there, an answer's grade that is told without its score (`edx.grades.problem.submitted`) is a `submission`,
and a video that was stopped is one that was watched to its end. Tracking events are read as xAPI is.
"""
READ_OF_OPEN_EDX: Final = (
    ("the name", "`name`, else `event_type`; what the server logs of every request (a path) is ignored as `request`"),
    (
        "the time",
        "`timestamp`, else `time`; without one, the record's. What is no time is a dead letter (`openedx_invalid`), "
        "and so is a `context` that is no object",
    ),
    (
        "the student",
        "the user of the `context`, else of the data, else of the event: `openedx:user_id/3`, or "
        "`openedx:username/ada` where no id is said. The statements' UUIDs are known to Open edX alone; "
        "`[openedx.students]` of a mapping may name them. Of an anonymous user an event is ignored",
    ),
    (
        "the item",
        "the key in the statement's IRI (`block-v1:…`), or with `root_url` the IRI itself. An event that names none is "
        "ignored (`no item`)",
    ),
    ("the course", "`course_id` of the context"),
    (
        "a text",
        "nothing: Open edX keeps what is written in its forums out of the statements. With `texts = true` the body of "
        "a thread, response or comment is read like any other text",
    ),
)
OPEN_EDX_REPEATS: Final = """
Records that are keyed by that student need no second way to their partition.

An event has no id: it is known again by who did what when, whichever form it comes in. Statements that are sent beside
it are other events; their attempts count once with its own where `root_url` and `[openedx.students]` name both alike.

`[openedx.kinds]` gives events that are not in the table a kind (`"openassessmentblock.create_submission" =
"submission"`), by name.
"""
CLOUDEVENTS: Final = """\

## CloudEvents

Structured (`content-type: application/cloudevents+json`, or any value with a `specversion`) or binary (headers
`ce_…`, in UTF-8 as they are; `content-type` is that of the data). The data is JSON, and an event of any other
dialect; a CloudEvent whose type names no native event, and whose data is of no dialect, be it JSON or not, is ignored
by its type. One without data (in binary mode: a record without value) is read as if its data were an empty object.
Batches are not defined for Kafka.

An event that can be voided (a statement with an id; a native one that is `voidable`) keeps its own id, by which a
voiding names it, and a repeat is known by that. Native data without a `version` is of version 1.
"""
ATTRIBUTES: Final = (
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
    ("`dataschema`", "an absolute URI; tolerated, since it is not read", ""),
    ("any other", "`[a-z0-9]+`; a string, a boolean, or an integer of 32 bits; tolerated likewise", ""),
)
ACTS: Final = """\

## One act, told twice

Platforms tell one act by several verbs or events. Of what tells the same act a student's first in offset order counts;
what is told again is a duplicate, and counted in `skillstream_retold_events_total` (a mark that was given again, too).
Acts are the same where they are of the same kind and have either of these in common; else two acts stay two. A moment
that two acts have in common does not make them one where both are named by an attempt. They are known for as long as
ids are (`SKILLSTREAM_KNOWN_IDS`).
"""
ACT_IDS: Final = (
    (
        "xAPI: attempts (`attempt`, `failure`), submissions",
        "the item and the attempt: the number in `http://id.tincanapi.com/extension/attempt-id`, of the activity or, "
        "for what is no question, of the context; else, for what is no question, an activity of the type "
        "`http://adlnet.gov/expapi/activities/attempt`, be it the object or one of the context",
        "the item and the `timestamp`",
    ),
    ("xAPI: a course passed, no score said", "the course: it is passed but once", ""),
    (
        "Caliper: work or a quiz handed in",
        "the attempt and its `count` (1 where it says none)",
        "the item and the `eventTime`, where no attempt is said",
    ),
    (
        "Caliper: a mark",
        "the attempt and its `count`; work that is marked was handed in, too, which counts once with what handed it in",
        "",
    ),
    ("Caliper: a quiz or an item of one, marked", "the attempt and its `count`; of an item, its id, too", ""),
    ("native events", "an id that their `act_ids` share", "an id that their `act_ids` share, beginning with `@`"),
)
STUDENTS: Final = """\

## Whose an event is

An event's student is a key of at most 256 characters, which longer ones are hashed to. Native events say it. From
others it is made by one rule, so that a student is the same whatever dialect speaks:

| named by | is called |
| --- | --- |
| an account of xAPI | home page and name, `https://lms.example/ada`; a slash in a name is `%2F`, a percent sign `%25` |
| an OpenID, an actor of Caliper | its IRI, as it is |
| a mailbox, or its SHA-1 | `mbox_sha1sum:` and the SHA-1, so that no address ends up in a key |
| Open edX's user id, a username | `openedx:user_id/3`, `openedx:username/ada`, or what `[openedx.students]` has |

The SHA-1 is that of the `mbox` as it is sent, as the standard has it: `mailto:ben@School.example` and
`mailto:ben@school.example` are two students, though one mailbox. So send addresses in lower case.

Of the mapping's `[[students]]` the longest `prefix` that a name begins with is replaced by its `key`. So tenants are
kept apart, and names become what the platform's native events call its students.

## A mapping

A file in TOML, named by `SKILLSTREAM_MAPPING`, with all parts optional: [mapping.toml](mapping.toml) is one.
What it says of a verb wins over the tables; for a verb with several kinds, `""` is that of all activities it does not
name. All workers, and `verify`, `replay`, `train` and `dead-letters replay`, need the same.

    [[students]]             names that begin with `prefix` get `key` instead
    [xapi]                   "IRI of a verb" = "kind", or { "" = "kind", family = "kind", "IRI of a type" = "kind" }
    [activity_types]         "IRI of a type" = "family"
    [caliper]                "Type.Action" = "kind"
    [components]             xapi = ["IRI of a type"], caliper = ["Type"]: what is a component, instead of the defaults
    [openedx]                root_url, student = "user_id" or "username", texts = true, students, kinds
    [norms.courses]          "course_id of a copy" = "course_id" of the course whose norms serve until it has its own
"""
