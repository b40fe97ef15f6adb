"""The address and security of Kafka, which every client begins with, and readers that join no consumer group."""

from collections.abc import Mapping
from typing import Any

import msgspec
from confluent_kafka import Consumer

RECONNECT_MS = 1_000
"""A client looks for a broker that is away at least so often; by the default it might look 10 s after it is back."""

NO_SECURITY: Mapping[str, str] = {}


class Cluster(msgspec.Struct, frozen=True):
    """A Kafka cluster. `security`: librdkafka's security.*, sasl.* and ssl.*; its secrets are never shown.

    Pass the whole value on: `bootstrap` alone doesn't reach a cluster that requires a login.
    """

    bootstrap: str
    security: Mapping[str, str] = NO_SECURITY

    def client(self) -> dict[str, Any]:
        """The first settings of every librdkafka client."""
        return {"bootstrap.servers": self.bootstrap, "reconnect.backoff.max.ms": RECONNECT_MS, **self.security}

    def __str__(self) -> str:
        return self.bootstrap

    def __repr__(self) -> str:
        return f"Cluster({self.bootstrap!r}, security={sorted(self.security)})"


def reader(cluster: Cluster, **settings: str | int) -> Consumer:
    """A consumer that joins no group and commits nothing, with further settings (`_` for their dots). Assign and close
    it.
    """
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
