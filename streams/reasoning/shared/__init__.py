"""What workers share of explanations: answers that were checked, calls that are under way."""
