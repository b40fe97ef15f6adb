"""Consumer groups: their members, offsets and commits as the broker knows them, and the consumer with external offsets.

`external_offsets_consumer` is what `bill` reads with. How far a consumer is behind is in `connectors.kafka.progress`.
"""
