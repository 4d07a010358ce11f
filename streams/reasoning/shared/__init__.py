"""What workers share of explanations: answers that were checked."""
