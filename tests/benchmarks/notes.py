"""The words of docs/benchmarks.md: what each benchmark does, what is the same for all, and where work differs."""

from typing import Final

TIMED: Final = """\
Every contestant is a process of its own, and has the machine to itself but for the broker and an observer that asks
the broker twenty times a second how far it is. All read the same topics, with a fresh group, from the start. The clock
runs from the first record that the contestant's code is handed (so the interpreter's start and the group's forming are
not in it; a Java contestant still warms up in it) until its last output is on the broker, or, where it has none, its
last record is handled. A run counts only when all offsets are committed after that and, with an output for every
event, all outputs are there. After the first round of each data set our worker's rows are read back from its changelog
and must hold every event exactly once. The wait for the last commit's tick is not timed, for anyone. Contestants with
a limit get the first so many events of the same topic, being slow. Rounds are interleaved, and each begins with
another contestant; ratios are taken within a round, and medians over rounds count. CPU time is the process's own,
threads included, between the same two moments; the broker's cores are its CPU time by the clock, between them too.

The same for all: topics of 4 partitions, one replica, events without compression (our worker packs what it writes with
zstd, its default; before 2026-11-28 it did not), a commit a second, acknowledgement by all replicas; fetches of up to
1 MiB a partition, but for our worker (8 MiB, its default). What else is set otherwise than by default, for speed,
stands at the head of each file in `tests/benchmarks/peers/`."""

EVENTS: Final = """\
Events are simulated (`streams/simulation.py`): attempts, controls, submissions, sessions, media, navigation and so on,
about 170 bytes of JSON each, ids unique, times rising, nothing broken, each on the partition that murmur2 gives its
student. The data sets:"""

NOTES: Final[dict[str, str]] = {
    "full_pipeline": """\
Ours decodes and validates every event, knows repeats by id, folds, asks three sources, fuses seven skills, writes the
row to the changelog and the update out, both of kilobytes. Quix Streams, Kafka Streams and `faust_counter` add one to a
number, write that, and decode nothing. `faust_pipeline` does what ours does, one event at a time. getmany and
FastStream write nothing. Outputs: `an event` is one for each event; ours are one for each student changed in a batch,
that is fewer and larger ones. Quix and Kafka Streams keep state in RocksDB, ours and Faust in memory; all have a
changelog and are at least once, and ours is besides exact (what a crash repeats is skipped).""",
    "many_students": """\
As above, Quix on the same topic. Hardly two events of a batch share a student, so ours writes a row and an update for
nearly every event.""",
    "former": """\
`make bench ONLY=former BEFORE=COMMIT`: our worker beside that of a former commit, on the same topics and libraries, in
the same rounds. Not among those that `make bench` runs by itself.""",
    "with_text": """\
As above, Quix on the same topic. Ours looks for the phrases of seven skills in every text; Quix reads none.""",
    "delivery_alone": """\
Batch delivery with a counter for a step: the work of Quix's and Kafka Streams' counters, but for outputs (one for each
student changed in a batch) and state (memory).""",
    "two_workers": """\
Two workers share the topic's four partitions; a run in which one did all the work fails. Each is about one core's work,
and so much again as the broker takes (see its column) must fit beside them: on two cores, the cores bound it.""",
    "latency": """\
The worker as it is set by default, and an echo of batches with the same commit and linger settings; both get half the
top rate that the worker reached in this run, and 1,000 events/s (`light`). Producer and reader are processes of their
own, by the same clock. The first quarter of the events is not counted; events that no skill has a use for
(navigation) have no update and are not counted, for either. The echo writes 170 bytes for an event, ours an update of
kilobytes. An update costs about 100 µs of CPU, an event a tenth of that: at half of a rate that was reached with
40,000 events a batch, each of 2,000 students is changed every 60 ms, there are not cores enough for as many updates,
and batches grow until there are fewer.""",
    "queue_day": """\
A simulated day, by the worker's own queue and limits (50 a minute, 500 an hour), each call ending at once: 10,000
students of 20 schools of 30 to 3,475, one to seven changes each around the ends of seven lessons, of which most are
small. About 40,000 changes for 7,750 calls. What moved since it was explained adds up, so whoever waits is worth
more: that is why first come does well. The rules are those of rows (cooldown, value) for all. `by_school`: ids name
schools, and these take turns. Its value a call is lower, since small schools are served what little they have while
large ones wait. `small_wait` is that of the school of 30. `fair_calls` takes each school's calls until 16:00, in
parts of what would be max-min fair given what it would have used without a limit; `fair_share` is that of outcomes,
where a queue without schools gives each student the same chance. Rounds are different days.""",
    "grounding": """\
Figures of what is known: the rules have been mended by every one of these claims. Of claims not seen before, the check
caught 69 to 93 %
of the bad ones and refused 4 to 22 % of the good ones; the figures at first sight are in
[decision 44](decisions/0044-claims-one-by-one.md).""",
    "templates": """\
What templates say of a simulated class of 60, of 300 students of PISA's climate control and of 300 of the Open
University where `../shared/data` is at hand: of scores that are low or high, whether the first claim with a side has
the score's or says that it has not (`agreeing`); of low ones how many are told by facts for the skill alone, since no
others were kept (`low_for_alone`), and of these how many do not say that the score is low all the same
(`low_for_unsaid`); explanations with a sentence that comes twice; facts that say only that a phrase was found;
sentences up to grade 9; and how many sentences a skill has, without what to try. `make bench ONLY=templates`.""",
    "recovery_bound": """\
Rows of 2,000 students written at random for twenty minutes, 700 a second, to a log as workers make it and to one of the
former settings (an hour's lag, Kafka's own segments); then both are read as a start reads them. Records of the last ten
minutes are left out.""",
    "recovery": """\
Rows of about fifty events each. Ours restores all, stock Faust at most 100,000 of the same records, into its memory
table, decoding nothing. From the first record handed to the table to the end of the recovery, in both.""",
    "memory": """\
Growth of the resident memory of a fresh process as students are added whose rows grow, see `memory.py`.""",
    "cost_growth": """\
No broker. Tables of full rows; 24,000 events of random students a round. A student's cost is to load, score, encode and
keep its row and to make its update; an event's is the rest. The ratio is the dearest number of students against the
cheapest.""",
    "embedded": """\
The broker inside `skillstream demo` and the tests (librdkafka's mock cluster), 60,000 events at most, short runs.""",
    "three_slow_sources": "Three sources that take 100 ms each, in parallel.",
    "decoding_growth": """\
How much longer four times the size takes at the worst of some thousand ways in which a record can grow.""",
    "decoding": """\
In one process, no broker: found out which dialect it is, decoded, validated, mapped to native events. Native events are
simulated; xAPI statements and Caliper events are those of `../shared/data`, or the tests' own where it is absent.
Caliper events are sent anew for each of 1,000 students, alone and in envelopes of five, of 1.1 and of 1.2.""",
    "texts": """\
In one process, no broker: messages of 40 words of 2,000 students, decoded, read for all skills of the skill set and
folded into rows. Words are those of `../shared/data`'s reactions to news, or the simulated class's where they are
absent. `make bench ONLY=texts`.""",
    "adversarial": """\
In one process of its own each, no broker: 20,000 events of one student, each followed by its void; 40 arrays of a good
statement and 100,000 zeros; 50,000 students with an event each. Decoded, folded, scored, rows and updates, as a
worker's step does it. `make bench ONLY=adversarial,amplification`.""",
    "amplification": """\
The same for 30 records of 12.5 MB that gzip packs to 12 KB each: the process's peak, and what the dead letters take for
a byte that came.""",
    "decode": "In one process, no broker.",
    "fold": "In one process, no broker.",
    "whole_pipeline": "In one process, no broker, no model: decode, fold, score, rows and updates.",
    "compression": """\
Rows and updates of a class of 2,000, as a worker sends them, in batches of at most 512 KiB, packed and unpacked by
aiokafka at its levels. The ratio is of bytes; CPU time is of packing and unpacking one record.
`make bench ONLY=compression`.""",
    "repeats": """\
In one process, no broker: 2,000 events of each of 20 students sent again, against their first sending.
`make bench ONLY=repeats,repeats_bytes`.""",
    "components": """\
In one process, no broker: the simulated mix, a third of which are attempts, with two of 20 components on each of these
and all 20 in each student's row, against the same without. Of 2,000 students, and (`components_many`) of 20,000;
`components_attempts`: where every event is an attempt. By CPU time.
`make bench ONLY=components,components_attempts,components_many`.""",
    "trees_1": """\
In one process, no broker: 100 trees of at most 31 leaves over 34 features score one row, against scikit-learn with one
thread; `trees_14`, `trees_200` and `trees_2000`: so many rows a call. By CPU time.
`make bench ONLY=trees_1,trees_14,trees_200,trees_2000`.""",
    "limits": """\
By simulated clocks, from full buckets, somebody always wanting a call: 24 hours of 50 a minute, or of that and 500 an
hour, spent evenly or in a burst. In the outages workers share a real Redis for an hour, are cut off from it for an
hour, and have it again for an hour; all their calls count. `make bench ONLY=limits`.""",
}
