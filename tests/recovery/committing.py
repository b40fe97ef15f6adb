"""Commits one small transaction after another, from sixteen producers, until it is killed; run as a script.

committing.py BOOTSTRAP TOPIC LOG        a line in LOG for each commit
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from confluent_kafka import Producer

from schemas.topics import PARTITIONS

PRODUCERS = 16
SOON = {"transaction.timeout.ms": 5_000}  # what is left open by the kill hides what is behind it so long
bootstrap, topic, log = sys.argv[1], sys.argv[2], Path(sys.argv[3])


def commit(number: int) -> None:
    """One producer's work: a record for each partition, whole or not at all."""
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": f"committing-{number}", **SOON})
    producer.init_transactions(60)
    with log.open("a", buffering=1) as lines:
        while True:
            producer.begin_transaction()
            for partition in range(PARTITIONS):
                producer.produce(topic, b"committing", partition=partition)
            producer.commit_transaction(60)
            lines.write(f"{number}\n")


with ThreadPoolExecutor(PRODUCERS) as pool:
    list(pool.map(commit, range(PRODUCERS)))
