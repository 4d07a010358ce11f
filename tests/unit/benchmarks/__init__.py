"""What the benchmarks decide by: how outputs are matched to events, who falls behind, what is drawn."""
