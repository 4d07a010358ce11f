"""Mastery by knowledge component: how likely the next answer is right, and the mean of all that follow."""
