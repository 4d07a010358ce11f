"""Conversion: real data sets, as the events a platform would have sent and the labels that came of them."""
