"""`skillstream doctor`: would a worker start here, now, with these settings, and what should be known before?

Each file holds the checks of one subject, `checks` lists them all. Whatever decides is asked of the worker's own code;
nothing is created or changed.
"""
