"""Explanations as a part of a worker."""
