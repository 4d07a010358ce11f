"""The audit trail: who read, exported, replayed, erased or changed what, in chains of hashes that show what is missing.

    act ──► one record of this process's chain ──► topic `audit`, confirmed ──► answered
    read of a page ──► noted in memory, bounded ──► answered ──► topic `audit`, within moments

Modules are imported by themselves: a command does not wait for the metrics of a worker's trail.
"""
