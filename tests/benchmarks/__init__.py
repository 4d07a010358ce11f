"""Measurements, printed with their spread. Not tests: nothing here passes or fails by the clock."""
