"""Pages whose commands are run as they stand."""
