"""A consumer that reads beside the consumer groups: it joins none and commits nothing, so it disturbs nobody."""

from confluent_kafka import Consumer

from connectors.kafka.client.cluster import Cluster


def reader(cluster: Cluster, **settings: str | int) -> Consumer:
    """Such a consumer, with what else the library is to be set to (`_` for its dots); to be assigned and closed."""
    return Consumer(
        {
            **cluster.client(),
            "group.id": "timeloom-reader",  # required by the library; nothing is ever committed under it
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 10,
            "log_level": 0,  # what the library would print of a broker that went, the error says better
            **{name.replace("_", "."): value for name, value in settings.items()},
        }
    )
