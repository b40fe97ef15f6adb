"""The programs, with a room for each: this level reads settings, assembles commands, and wires the other packages.

cli, settings, topology        the command line, the environment, and the programs as values
group, bill, watchdog          the programs that run as long as the stack does
verify, ops, views             proofs and repairs; operating; what a user looks at
files, simulate                activities in and out
models, evaluate               grouping models: training, storing, comparing
stack                          the native stack, the demo, and `prepare`
shared, telemetry              what several programs use

Decisions are in `processors`, I/O with other systems is in `connectors`, and the records are in `schemas`.
"""
