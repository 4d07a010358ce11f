"""Scores of events that are not stored, and of stored rows, for `POST /inference/batch`. Pure."""
