"""Files of configuration, read as types: what is refused is named by its place, with what is allowed there."""
