"""Training: from events and labels to an artifact, through the very fold and sources that serve."""
