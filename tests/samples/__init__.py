"""Explanations for the documentation, made by the product from simulated students: `make samples`."""
