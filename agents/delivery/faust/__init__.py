"""Delivery inside Faust: what subclasses Faust, and which of its private parts are replaced."""
