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
    "capacity": """\
`skillstream capacity` held against one worker with a broker: its constants fitted on 100,000 events of 2,000 students
and 200,000 of 20,000, then a million of 60,000 foretold and run. `% off` is the plan's error there.
`make bench ONLY=capacity`.""",
    "gateway": """\
One `skillstream gateway` with a broker; a client of eight connections posts 40 bodies of 50 again and again, each
answered when the broker has acknowledged it: xAPI statements with a score and a context, and simulated native events.
`a core`: events for each second of CPU time of the gateway, threads included. `make bench ONLY=gateway`.""",
    "full_pipeline": """\
Ours decodes and validates every event, knows repeats by id, folds, asks three sources, fuses seven skills, writes the
row to the changelog and the update out, both of kilobytes. Quix Streams, Kafka Streams and `faust_counter` add one to
a number, write that, and decode nothing; those that are `sized` write as many bytes as our mean update has before it
is packed, and pack nothing. `faust_pipeline` does what ours does, one event at a time. getmany and FastStream write
nothing. Outputs: `an event` is one for each event; ours are one for each student changed in a batch, that is fewer
and larger ones. Quix and Kafka Streams keep state in RocksDB, ours and Faust in memory; all have a changelog and are
at least once, and ours is besides exact (what a crash repeats is skipped).""",
    "many_students": """\
As above, Quix and Kafka Streams on the same topic. Hardly two events of a batch share a student, so ours writes a row
and an update for nearly every event.""",
    "former": """\
`make bench ONLY=former BEFORE=COMMIT`: our worker beside that of a former commit, on the same topics and libraries,
in the same rounds: one worker, two, its delivery alone, its recovery from rows that each makes itself, its memory for
a student. Not among those that `make bench` runs by itself.""",
    "with_text": """\
As above, Quix on the same topic. Ours looks for the phrases of seven skills in every text; Quix reads none.""",
    "delivery_alone": """\
Batch delivery with a counter for a step: the work of Quix's and Kafka Streams' counters, but for outputs (one for each
student changed in a batch) and state (memory).""",
    "two_workers": """\
Two workers share the topic's four partitions; a run in which one did all the work fails. Each is about one core's work,
and so much again as the broker takes (see its column) must fit beside them: on two cores, the cores bound it.""",
    "many_components": """\
As `many_students`, where each attempt names two of 20 knowledge components; a student has few events, and so few
components.""",
    "latency_curve": """\
An open loop: the clock of an event begins when it is due, whether or not the sender was in time, and ends when an
output that covers it is read. Producer and reader are processes beside the contestant, on the same two cores, by the
same clock. All have 4 partitions, acks of all replicas, a commit a second and, where records are handed over one by
one, a linger of 1 ms, which serves them best; Kafka Streams, whose cache speaks at its commits, one every 100 ms. The
producer lingers 5 ms, as Kafka's does, which is in all figures. Each rate is measured for 6 s after 1 s that is not
counted; 10 events/s for 20 s, so that its p99 is that of 200 events. Events that no skill has a use for (navigation)
have no update and are not counted, for anybody. A contestant falls behind where latencies grow from the first third
to the last by more than 0.25 s and by half, and once more when it is tried again after 4 s, or where outputs are
missing 3 s after the last event; rates above are not tried. Where a target compares with one that fell behind, its
latency counts as these 3 s. CPU is the contestant's, its process alone. A step is what a contestant takes at a time,
as far as it says so. `make bench ONLY=latency_curve ROUNDS=1 RATES=1000,10000 CONTESTANTS=skillstream,echo` measures
a part.""",
    "latency_single": """\
One event is sent, its update awaited, and after a pause of 150 to 350 ms the next one, 100 times: the same producer
and reader as in the curve, the linger of 5 ms in both figures.""",
    "idle": """\
Assigned and warm, then without events; the other contestants in the first round, as they stand.""",
    "collect": """\
Our worker in the same open loop, with `SKILLSTREAM_COLLECT_MS` at 5, 10 (the default), 20 and 50: while events keep
coming, brokers collect them for so long before they answer a fetch.""",
    "inference": """\
Our worker in the same open loop at 1,000 events/s, 8 s after 2 s that are not counted, while somebody posts 10,000
events of 200 students to `/inference/batch`, reads the answer and posts them again, and for as long without: both in
one session, another first in every round. Then batches, and requests of one event on a connection that is kept, 5 s
each, without events on the topic. The client and the inference process are beside the worker on the same two cores.
The figures of 2026-11-29 are of a machine that did others' work meanwhile (a load of 7 to 17 on its two cores), for
which the median shows what the stream pays, and p99 (0.4 to 3.4 times that without) mostly the others.""",
    "sustainable": """\
The highest of a ladder of rates, 15 % apart, at which p99 stays under the bound, found by bisection; 4 s a rate after
1 s that is not counted (Karimov et al. 2018 call sustainable what can be kept up without growing latencies; the bound
makes it what an application can promise). 0 is none, as for Kafka Streams' cache, whose commits alone take 100 ms.""",
    "latency": """\
The worker as it is set by default, and an echo of batches; both get half the top rate that the worker reached in this
run, as in `latency_curve`.""",
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
    "norms": """\
In one process, no broker: a snapshot of 100,000 items, 20,000 components and 10,000 cohorts, which are the bounds.
`refresh` is what a worker does with one that arrives: decode, index, swap; `publish` adds up the shards of four
partitions and encodes what is published, 10,000 items of it anew; `sum_rows` are the sums of cohorts and components
over rows of a class, course and school each, `relative` all features of a row against its cohort's norm.
`make bench ONLY=norms`.""",
    "embedded": """\
The broker inside `skillstream demo` and the tests (librdkafka's mock cluster), 60,000 events at most, short runs.""",
    "looking_up_together": "An answer about a student of 40 attempts, a hundred of them asked for at once.",
    "looking_up": "A question about a student, each of whose four look-ups takes 10 ms more (docs/decisions/0058).",
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
