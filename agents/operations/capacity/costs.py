"""What things cost, as measured on one machine (AMD EPYC, two shared cores): the constants of `plan`, with sources.

`make bench ONLY=capacity` measures them again, and holds the plan against a run larger than those they are of.
"""

from typing import Final

US: Final = 1e-6

# -- CPU of a worker, in seconds

EVENT_CPU_S: Final = 6.0 * US
"""To decode, deduplicate and fold a native event. make bench ONLY=capacity, two sizes fitted: 5.2 to 8.2 in four
runs.
"""
STUDENT_CPU_S: Final = 38.0 * US
"""To load, score and encode a changed student's row, and to write its update. As above: 27 to 57 in four runs, on a
machine that others used; these two foretell a larger run within a fifth.
"""
STEP_CPU_S: Final = 5_000.0 * US
"""A step, however little is in it. docs/latency.json, `many`: 75.5 % of a core at 10,000 events/s in 85 steps a second,
less what its events and students take.
"""
STEP_INTERVAL_S: Final = 1_800.0 * US
"""From one step to the next, beyond SKILLSTREAM_COLLECT_MS. The same: 117.5 events a step at 10,000 a second."""
UPDATES_PER_EVENT: Final = 0.88
"""Events that some skill has a use for, of the simulated mix. docs/latency.json, `many`, up to 20,000 events/s."""
DECODING_CPU_S: Final = {"native": 0.0, "xapi": 19.3 * US, "caliper": 30.8 * US}
"""An event's, beyond a native one's. docs/benchmarks.json: decoding.*, 2026-11-23."""
TEXT_CPU_S: Final = 34.7 * US
"""To read a text of 40 words for all skills. docs/benchmarks.json: texts.default, 2026-11-28."""

# -- Memory of a worker, in bytes

PROCESS_BYTES: Final = 110_000_000
"""A worker without students. make bench ONLY=capacity."""
BATCH_BYTES: Final = 220_000_000
"""What a step of the largest batch holds on top (SKILLSTREAM_MAX_BATCH_RECORDS). As above."""
STUDENT_MEMORY_BYTES: Final = 60
"""What a student takes in the memory store beyond its row's bytes (ROW_BYTES). docs/benchmarks.json: memory."""
KNOWN_ID_BYTES: Final = 7.2
"""An event id that is kept to know repeats, beyond those in the row. docs/benchmarks.json: repeats_bytes."""
ROW_IDS: Final = 100
"""About how many ids the row itself has room for (48 to 175)."""

# -- Bytes on a broker's disk, for one replica, packed with zstd

EVENT_BYTES: Final = 189
"""A native event of the simulated mix, as a producer without compression writes it. make bench ONLY=capacity."""
HISTORIES: Final = (3, 10, 25, 50, 100, 200)
"""Events of a student so far: rows and updates grow with them, ever more slowly."""
BATCHES: Final = (1, 10, 100, 1_000)
"""Records in a batch, of one partition: small ones pack worse."""
ROW_BYTES: Final = (838, 1_533, 2_210, 2_722, 3_270, 3_445)
"""A row, unpacked, by HISTORIES. make bench ONLY=capacity, 1,000 simulated students, as the next two."""
PACKED_ROW_BYTES: Final = (
    (480, 330, 293, 275),
    (859, 669, 612, 618),
    (1_300, 1_096, 1_016, 1_037),
    (1_710, 1_498, 1_440, 1_438),
    (2_230, 2_033, 1_962, 1_956),
    (2_413, 2_202, 2_143, 2_134),
)
"""A record of the changelog, by HISTORIES, then by BATCHES."""
PACKED_UPDATE_BYTES: Final = (
    (426, 157, 93, 82),
    (595, 243, 164, 155),
    (738, 313, 234, 219),
    (822, 357, 276, 258),
    (870, 376, 298, 281),
    (902, 385, 309, 292),
)
"""A record of skill-updates, likewise."""

# -- Recovery

RESTORED_ROWS_PER_S: Final = 58_261
"""Records of the changelog that a worker reads and keeps a second. docs/benchmarks.json: recovery, 2026-11-23."""
START_S: Final = 8.0
"""From the process's start until it has its partitions: 6 to 9 s on a quiet machine (docs/decisions/0051)."""

# -- Explanations

CALL_USD: Final = 0.0030
"""A call about two moved skills, at gpt-4.1's prices of 2026-11-05: docs/explanations.md, an estimate, no bill."""
