"""Evaluation: how good predictions are, overall and part by part. Needs numbers alone, no events, rows or models."""
