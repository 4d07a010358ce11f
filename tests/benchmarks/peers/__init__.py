"""What we are measured against, each a program of its own: COMMAND BROKER TOPIC GROUP OUTPUT EVENTS.

A contestant reads TOPIC from its start with the fresh GROUP and produces to OUTPUT, where it produces anything, until
it is ended. On standard output it says `{"first_s": ...}`, the wall clock when its code was handed its first record;
one without outputs also says `{"done_s": ..., "handled": ...}` when it has handled EVENTS records and committed them.
Those in an environment of their own (see environment.py) import nothing of ours.
"""
