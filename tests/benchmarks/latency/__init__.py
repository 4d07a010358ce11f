"""From the moment at which an event is due to the receipt of what it leads to: an open loop, by this machine's clock.

    schedule ──► sender ──► student-activity ──► contestant ──► its outputs ──► reader
    due at t0                                                                    there at t1

The sender keeps to its schedule whatever becomes of the events, and the clock begins when an event is due, not when it
is sent: who stands still for a second is late for all that was due in it (no coordinated omission). The reader is a
process of its own. An event is visible when the first output arrives that covers it, see `matching`. A contestant falls
behind where its latencies grow from the first third of what is measured to the last, and do so again after a while, or
where something is missing 3 s after the last event was due; it then has no latency.

Before anything is measured, a contestant has made outputs of all of some events, and of a thousand a second for 3 s;
and each rate begins with a second that is not counted.
"""
