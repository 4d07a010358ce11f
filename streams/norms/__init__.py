"""Norms: what this item, this component and this cohort are like, learnt while running; see `docs/norms.md`."""
