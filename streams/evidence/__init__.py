"""Evidence: every source estimates the skills of a batch's changed students, all of these at once."""
