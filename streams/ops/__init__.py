"""`ops`: what an operator looks at and does while everything runs. Each command has a module.

command   the group of commands
status    what is broken, and the command for it; overview collects the links, probes asks the servers
lag       how far each consumer is behind
offsets   shows and moves a consumer's offsets; offset_targets checks a move, offset_history records it
snapshot  makes capture read tables again
dlq       the dead letters

Measuring consumers is in `streams.shared.consumer_state`.
"""
