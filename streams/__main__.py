"""`python -m streams`: the command line, as the `timeloom` launcher starts it."""

from streams.cli import main

main()
