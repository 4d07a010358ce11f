"""From the sources' estimates to the messages of `skill-updates`."""
