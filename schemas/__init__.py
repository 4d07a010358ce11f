"""What is said: every message on every topic, and the dialects that events come in."""
