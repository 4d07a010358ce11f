"""Norms in a worker: sums of its partitions sent, snapshots made of those of all, and put in force."""
