"""Everything that is held of one student, readable."""
