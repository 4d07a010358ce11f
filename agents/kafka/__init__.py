"""Kafka seen from outside of the worker's own consumer: clients, topics, groups, positions."""
