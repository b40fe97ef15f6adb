"""The peer: an agent as Faust's documentation has it, with a table and a send, that doesn't group. Run as a process."""

import sys

import faust

bootstrap, datadir = sys.argv[1], sys.argv[2]
app = faust.App(
    "stock",
    broker=f"kafka://{bootstrap}",
    datadir=datadir,
    web_enabled=False,
    topic_partitions=16,
    topic_disable_leader=True,
    consumer_auto_offset_reset="earliest",
    broker_session_timeout=6.0,
)
source = app.topic("changes", key_serializer="raw", value_serializer="json")
out = app.topic("stock-out", key_serializer="raw", value_serializer="json", partitions=16)
rows = app.Table("rows", partitions=16)


@app.agent(source)
async def agent(stream: faust.StreamT) -> None:  # type: ignore[type-arg]
    """Keeps the last value of each row, and sends it on."""
    async for event in stream.events():
        after = event.value["after"]
        if after is not None and event.value["source"]["table"] == "activity":
            rows[str(after["id"])] = after["words"]
            await out.send(key=event.key, value=after)


faust.Worker(app, loglevel="WARNING", redirect_stdouts=False).execute_from_commandline()
