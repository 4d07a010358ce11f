"""Text as it may be shown to people: without secrets, without control characters."""
