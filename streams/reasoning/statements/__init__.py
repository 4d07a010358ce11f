"""What is told of a skill without a model: which facts, how sure that is, where it conflicts, and the summary."""
