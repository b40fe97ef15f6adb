"""The servers of the native stack: their folder and its memory, and the configuration and start of MariaDB and Kafka.

Keeping them alive is in `connectors.stack.processes`.
"""
