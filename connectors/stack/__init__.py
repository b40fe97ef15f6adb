"""The native stack: MariaDB, Kafka and Kafka Connect in the project's own folder, without root or containers.

stack      the stack as one value: up, down, reset, status, logs; the command line and the tests use only this
install    what the machine lacks, and fetching archives and Java by checksum
servers    the folder and its memory, and how each server is configured and started
processes  the supervisor, the programs it keeps, their health and their logs

The programs themselves are in `streams`.
"""
