"""`skillstream doctor`: would a worker start here, now, with these settings, and what should be known before?

Each file holds one check. Whatever decides is asked of the worker's own code; nothing is created or changed.
"""
