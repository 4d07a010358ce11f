"""The HTTP door: statements of xAPI, envelopes of Caliper and events in NDJSON, for producers that speak no Kafka.

    request ──► key: which tenant? ──► body, within its bounds ──► decoded, as a worker does ──► one record an event,
                                                                                                keyed by its student
    answer 2xx ◄── every record acknowledged by all replicas in sync ◄──────────────────────────── Kafka

What is refused is refused with a reason, and nothing of it, or of NDJSON nothing but the good items, is stored.
"""
