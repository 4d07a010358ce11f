"""Every decoder against input that nobody would send: valid documents, mutated.

tests/unit/test_decoders_under_fuzz.py does it for seconds, with hypothesis; `make fuzz` does it for minutes, guided by
coverage.
"""
