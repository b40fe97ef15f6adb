"""Tests the connection to a cluster, and says in one line what prevents it and which setting that is."""

from time import monotonic
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from connectors.kafka.client.cluster import Cluster
from schemas.errors import ConfigurationError, StackError

WITHIN_S = 10.0
ROUND_S = 1.0
ASKED_BY_A_PERSON_S = 1.0
"""How long a command tries before which somebody sits; a program that starts with its servers tries longer."""

HINTS = {
    KafkaError._AUTHENTICATION: "it refuses the login. Look at TIMELOOM_KAFKA_SASL_USERNAME, "
    "_SASL_PASSWORD, _SASL_MECHANISM",
    KafkaError._SSL: "TLS fails. TIMELOOM_KAFKA_SSL_CA must have signed its certificate, for the very name in "
    "TIMELOOM_KAFKA_BOOTSTRAP",
}
"""What a client's error means for a person."""

PLAIN_THERE = "listener?"
"""The library's own guess, in its words, that the other side speaks no TLS."""


def knock(cluster: Cluster, within_s: float = WITHIN_S) -> AdminClient:
    """Returns an admin client once the cluster accepts the connection.

    Raises StackError with the reason if it doesn't, at once if waiting won't help; ConfigurationError if the library
    refuses a setting.
    """
    heard: list[KafkaError] = []
    try:
        # Quiet: at this level the library says on the screen what we say better.
        quiet: dict[str, Any] = {**cluster.client(), "error_cb": heard.append, "log_level": 0}
        admin = AdminClient(quiet)
    except KafkaException as error:
        raise ConfigurationError(
            f"Kafka's client refuses its TIMELOOM_KAFKA_ settings: {error.args[0].str()}"
        ) from error
    end = monotonic() + within_s
    while True:
        try:
            admin.list_topics(timeout=ROUND_S)
            return admin
        except KafkaException as error:
            admin.poll(0)
            if any(one.code() in HINTS for one in heard) or monotonic() > end:
                raise StackError(f"Kafka at {cluster} {_why(heard)}") from error


def _why(heard: list[KafkaError]) -> str:
    if not heard:
        return "takes connections and says nothing. It may be starting, or frozen: see `./timeloom stack status`"
    # That all brokers are down follows from what was heard before it. Where nothing was, they hang up on us.
    causes = [one for one in heard if one.code() != KafkaError._ALL_BROKERS_DOWN]
    hinted = [one for one in causes if one.code() in HINTS]
    if not causes or PLAIN_THERE in causes[0].str():
        return "can't be used: it speaks another protocol. Look at TIMELOOM_KAFKA_SECURITY_PROTOCOL"
    if hinted:
        return f"can't be used: {HINTS[hinted[0].code()]} ({hinted[0].str()})"
    return f"doesn't answer ({causes[0].str()}). Start it: ./timeloom stack up (or correct TIMELOOM_KAFKA_BOOTSTRAP)"
