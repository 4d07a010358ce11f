"""What runs: the Faust app and its agents, the web pages, the commands."""
