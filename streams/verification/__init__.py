"""`skillstream verify`, without Kafka: is every event of the input topic in the table, once, and published?

    input topic ──► Refold ───────────────┐
    changelog, updates, explanations ─► Last ─► compare ──► differences ──► Report
    dead letters, forwards ──► Ledger ────────────────────┘

One partition at a time, and of its students one Slice at a time: as many as the memory given holds. `partition` puts
one partition's parts together; reading the topics is `agents.operations.verify`'s.
"""
