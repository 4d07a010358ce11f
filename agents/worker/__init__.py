"""The worker: a Faust app whose one agent owns the table."""
