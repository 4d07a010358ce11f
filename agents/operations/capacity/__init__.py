"""How many partitions, workers, memory and disk a deployment takes, from what one worker was measured to cost."""
