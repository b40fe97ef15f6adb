"""The processes of the native stack: supervisord, the programs that it keeps, how each is, and their log files.

What a program's own health consists of is in `streams.telemetry`.
"""
