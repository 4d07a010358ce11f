"""The check of what a model wrote."""
