"""The table's rows: one student's row, its bytes, and many rows at once as arrays."""
