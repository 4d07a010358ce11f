"""The input topic as the pure core sees it: partitions, origins, signatures, checkpoints."""
