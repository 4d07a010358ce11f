"""Pages with plots that are complete in themselves: one file, no script, nothing fetched."""
