"""Scores in a flat form, for warehouses: one row a student and skill, and one a student and component."""
