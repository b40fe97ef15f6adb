"""Decides one partition, without I/O: change events in, records for the topics out. `partition.Partition` is the entry.

partition             applies changes, decides, publishes the differences
change_reader         decodes records, and finds what is wrong with one in this partition
published_state       what is published, and the differences to publish now
producer_records      the records to write
attempts, quarantine  records and timekeepers on which our own code fails
activated_models      the models that activations name, to be loaded before a batch is decided

How activities are grouped is in `processors.grouping`. Topics are read and written in `streams.group` and
`connectors.kafka`.
"""
