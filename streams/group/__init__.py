"""`group`: the stream processor that turns change events into groups. `command` starts it.

command           the Faust application and the command
assignment        the partitions that this process has; passes each event to its partition's worker
partition_worker  one partition's events in order, one batch at a time
partition_owner   one partition's state and its fenced writer
decision_log      a log line for each decision
health, metrics   what the process reports about itself
offset_gaps       a correction to Faust's consumer

The decisions are made in `processors.partition` and `processors.grouping`, without I/O. Models are loaded by
`streams.shared.model_store`.
"""
