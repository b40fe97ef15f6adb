"""Records: read partitions to their end, follow a topic, write in fenced transactions, write and read dead letters.

Nothing here joins a consumer group; that is in `connectors.kafka.consumers`.
"""
