"""`ops lag`: how far each consumer is behind, in offsets and in seconds."""

from typing import Annotated

import typer


def command(as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False) -> None:
    """Show how far each consumer group is behind, by partition, in offsets and in seconds.

    Example: ./timeloom ops lag

    Exit: 0 shown; 3 a server is not up.
    """
    import time

    import msgspec

    from connectors.kafka.consumers import consumer_groups
    from connectors.kafka.unread import unread
    from schemas.topics import CHANGES, GROUPS
    from streams.settings import load

    cluster = load().kafka()
    for name, topic in (("group", CHANGES), ("bill", GROUPS)):
        (group,) = consumer_groups(cluster, [name])
        places = {(topic.name, number): group.committed.get((topic.name, number)) for number in range(topic.partitions)}
        for (of, number), behind in sorted(unread(cluster, places).items()):
            seconds = 0.0 if behind.since_ms is None else max(0.0, time.time() - behind.since_ms / 1000)
            row = {"group": name, "topic": of, "partition": number, "offsets": behind.offsets, "seconds": seconds}
            print(msgspec.json.encode(row).decode() if as_json else row)
