"""Batch delivery inside Faust: whole fetches in, whole record batches out, acknowledged when confirmed."""
