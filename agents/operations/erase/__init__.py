"""Erasing a student from outside of the workers: asked for, waited for, and proved by a receipt."""
