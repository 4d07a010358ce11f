"""What explanations cost, and how much of it is allowed: tokens a minute, money a day, week and month."""
