"""Batch inference, the pure part."""
