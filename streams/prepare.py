"""What `stack up` does once the servers answer: tables, topics, connector, workers."""

from connectors.stack.stack import Stack


def prepare(stack: Stack) -> None:
    """Brings servers that are up to what this version needs. Doing it again changes nothing."""
