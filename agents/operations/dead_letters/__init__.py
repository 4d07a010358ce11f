"""Dead letters after the fact: read, shown, sent back; and the gate that stops a worker from making too many."""
