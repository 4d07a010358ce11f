"""Who is owed an explanation, and when it may be asked for."""
