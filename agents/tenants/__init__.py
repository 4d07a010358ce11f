"""Tenants in a worker: what is held of them is written, followed and ended."""
