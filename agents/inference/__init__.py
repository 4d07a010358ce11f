"""`POST /inference/batch`: scores of many students at once, made by a process of their own, beside the stream."""
