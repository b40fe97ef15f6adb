"""`python -m streams`: what the `timeloom` launcher runs."""

from streams.cli import main

main()
