"""`python -m agents.cli` is `skillstream`."""

from agents.cli import main

main()
