"""`fusion-config` on Kafka: written by commands, followed by workers."""
