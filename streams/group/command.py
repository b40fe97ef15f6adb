"""`group`: the stream processor. It reads change events and writes groups, one batch of a partition at a time.

    changes ─▶ by partition ─▶ absorb (decode, apply, decide, publish) ─▶ write one transaction ─▶ acknowledge

Faust delivers the records and owns the consumer group's offsets. `streams.group.assignment` tracks which partitions
this process has, `partition_worker` keeps each partition's order, and `partition_owner` lets `processors.partition`
decide and writes the result through the fenced writer of `connectors.kafka`.

A batch is acknowledged only after the broker has everything it caused. An unexpected error crashes the process; its
supervisor starts it again, and exactly the unacknowledged changes are delivered again.
"""

import os
import socket
import sys
from threading import Timer
from typing import TYPE_CHECKING, Any

import structlog

from connectors.kafka.client.cluster import Cluster
from schemas.topics import CHANGES
from streams.telemetry.logs import told

if TYPE_CHECKING:
    import faust
    from faust.types import TP
    from faust.types.auth import CredentialsT
    from sqlalchemy import Engine

    from streams.group.health import GroupVitals
    from streams.shared.model_store import Fetch, Shelf

TAKE = 2_000
"""Most change events taken from Faust at once; they go to their partitions' seats immediately."""

WITHIN_S = 0.005
"""Faust looks for company at this rhythm, so half of it is what a lone change waits on average."""

STOP_WITHIN_S = 5.0
"""A worker that crashed and hasn't ended by then ends at once: nothing of it is needed any more."""

SWITCH_S = 0.000_5
"""How long the loop waits for a thread that decides, each time that it needs Python's lock; and it needs it for each
system call, so that the interpreter's 5 ms add up to a loop that seems held.
"""

log = structlog.get_logger("group")


def make_app(
    cluster: Cluster, shelf: "Shelf", default: str, datadir: str, session_s: float
) -> "tuple[faust.App, GroupVitals]":
    """The Faust application, and how it is. State is in topics of ours, so it has no tables.

    `session_s` is how long a silent worker keeps its partitions: Faust's default lets a killed one's rest for minutes.
    """
    import faust

    from connectors.kafka.consumers.consumer_groups import consumer_groups
    from streams.group.assignment import Seats
    from streams.group.health import GroupVitals
    from streams.group.offset_gaps import ExactGaps
    from streams.group.partition_owner import Owner, Turns

    # Who is asked whose a partition is must know which of the members it is.
    client = f"group-{socket.gethostname()}-{os.getpid()}"
    app = faust.App(
        "group",
        broker=[f"kafka://{address}" for address in cluster.bootstrap.split(",")],
        broker_client_id=client,
        broker_credentials=credentials(cluster),
        datadir=datadir,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=session_s,
        broker_heartbeat_interval=session_s / 6,
        broker_commit_interval=1.0,
        stream_wait_empty=False,
        stream_buffer_maxsize=2 * TAKE,
    )
    app.transport.Consumer = ExactGaps  # type: ignore[misc]  # an instance has it where the class has it

    def failed(error: BaseException) -> None:
        log.error("crash", error=told(error), exc_info=error)
        # Stopping in order lets others have our partitions at once, but it may wait for what never ends.
        deadline = Timer(STOP_WITHIN_S, os._exit, (1,))
        deadline.daemon = True
        deadline.start()
        app.add_future(app.crash(error))

    turns = Turns()

    def make(number: int) -> Owner:
        return Owner(cluster, number, shelf, default, turns)

    def ours(number: int) -> bool:
        (known,) = consumer_groups(cluster, [app.conf.id])
        owner = known.owners.get((CHANGES.name, number))
        return owner is not None and owner.client == client

    seats = Seats(make, ours, failed, lambda: app.should_stop)

    @app.on_partitions_assigned.connect
    async def assigned(_: Any, /, *assignment: "set[TP]", **__: Any) -> None:
        seats.assigned(*assignment)

    @app.on_partitions_revoked.connect
    async def revoked(_: Any, /, *revocation: "set[TP]", **__: Any) -> None:
        seats.revoked(*revocation)

    @app.agent(app.topic(CHANGES.name, key_serializer="raw", value_serializer="raw"))
    async def group(stream: Any) -> None:
        # noack_take hands out events and acknowledges none: with take(), a raising agent would lose its batch.
        async for events in stream.noack_take(TAKE, within=WITHIN_S):
            await seats.take(events, app.consumer_generation_id)

    vitals = GroupVitals(seats, lambda: app.should_stop)

    @app.task  # type: ignore[untyped-decorator]
    async def beat() -> None:
        await vitals.heart.keep()

    return app, vitals


def credentials(cluster: Cluster) -> "CredentialsT | None":
    """How Faust's own client gets in; None where everybody does."""
    from faust import SASLCredentials, SSLCredentials

    from connectors.kafka.client.security import tls_context

    security, context = cluster.security, tls_context(cluster.security)
    if mechanism := security.get("sasl.mechanism"):
        return SASLCredentials(
            username=security["sasl.username"],
            password=security["sasl.password"],
            mechanism=mechanism,
            ssl_context=context,
        )
    return SSLCredentials(context) if context else None


def fetching(engine: "Engine") -> "Fetch":
    """Asks the database for firms' models. It isn't asked for anything else, nor before somebody activates one."""
    from connectors.mariadb.source.model_store import read_model

    def found(firm: int, version: str) -> bytes | None:
        with engine.connect() as connection:
            return read_model(connection, firm, version)

    return found


def command() -> None:
    """Group change events as they come, until it is told to stop. Start more of them to share the work.

    Example: ./timeloom group

    Exit: 0 it was told to stop; 1 something nobody foresaw (start it again: nothing is lost); 3 a server is not up.
    """
    import faust

    from connectors.kafka.client.connectivity import knock
    from connectors.mariadb.server.engine import connect
    from processors.grouping.batch import warm_up
    from streams.settings import load
    from streams.shared.model_store import Shelf, shipped_model
    from streams.telemetry.logs import to_json
    from streams.telemetry.server import Telemetry

    sys.setswitchinterval(SWITCH_S)
    settings = load()
    to_json("group")
    kafka = settings.kafka()
    knock(kafka)
    datadir = str(settings.home / "run" / "faust")
    shelf = Shelf(fetching(connect(settings.mariadb().url("pipeline"), pool_size=1)))
    warm_up(shipped_model())  # compiling may take longer than the session that a silent worker has
    app, vitals = make_app(kafka, shelf, shipped_model().version, datadir, settings.worker_session_s)
    worker = faust.Worker(app, loglevel="WARNING", redirect_stdouts=False, override_logging=False, quiet=True)
    worker.spinner = None  # what it prints would stand between lines of JSON
    with Telemetry(vitals, settings.telemetry_host, settings.telemetry_port):
        worker.execute_from_commandline()
