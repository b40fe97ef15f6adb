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
from streams.telemetry.logs import error_text

if TYPE_CHECKING:
    import faust
    from faust.types import TP
    from faust.types.auth import CredentialsT
    from sqlalchemy import Engine

    from streams.group.health import GroupHealth
    from streams.shared.model_store import FetchModel, ModelStore

TAKE_EVENTS = 2_000
"""Maximum number of events received from Faust at once. They go to their partitions' workers immediately."""

TAKE_WITHIN_S = 0.005
"""The interval at which Faust looks for more events before it hands out a batch. A single change waits half of it on
average.
"""

STOP_WITHIN_S = 5.0
"""After a crash, how long the process may take to stop in order. Then it exits at once, because none of its state is
needed any more.
"""

THREAD_SWITCH_S = 0.000_5
"""How long the event loop waits for a thread that decides, each time that it needs Python's lock. It needs the lock for
each system call, so with the interpreter's default of 5 ms the waits add up until the loop seems blocked.
"""

log = structlog.get_logger("group")


def make_app(
    cluster: Cluster, models: "ModelStore", default: str, datadir: str, session_s: float
) -> "tuple[faust.App, GroupHealth]":
    """Returns the Faust application and its health. All state is in our own topics, so it has no tables.

    `session_s` is how long a silent worker keeps its partitions. With Faust's default, no process has the partitions of
    a killed worker for minutes.
    """
    import faust

    from connectors.kafka.consumers.consumer_groups import consumer_groups
    from streams.group.assignment import Assignment
    from streams.group.health import GroupHealth
    from streams.group.offset_gaps import ExactGaps
    from streams.group.partition_owner import DecisionTurns, PartitionOwner

    # Each process needs its own client id: `ours` below compares it with that of a partition's owner.
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
        stream_buffer_maxsize=2 * TAKE_EVENTS,
    )
    app.transport.Consumer = ExactGaps  # type: ignore[misc]  # the instance's attribute hides the class's

    def failed(error: BaseException) -> None:
        log.error("crash", error=error_text(error), exc_info=error)
        # Stopping in order gives our partitions to other processes at once, but it may wait for ever.
        deadline = Timer(STOP_WITHIN_S, os._exit, (1,))
        deadline.daemon = True
        deadline.start()
        app.add_future(app.crash(error))

    turns = DecisionTurns()

    def make(number: int) -> PartitionOwner:
        return PartitionOwner(cluster, number, models, default, turns)

    def ours(number: int) -> bool:
        (known,) = consumer_groups(cluster, [app.conf.id])
        owner = known.owners.get((CHANGES.name, number))
        return owner is not None and owner.client == client

    assignment = Assignment(make, ours, failed, lambda: app.should_stop)

    @app.on_partitions_assigned.connect
    async def assigned(_: Any, /, *partitions: "set[TP]", **__: Any) -> None:
        assignment.assign(*partitions)

    @app.on_partitions_revoked.connect
    async def revoked(_: Any, /, *partitions: "set[TP]", **__: Any) -> None:
        assignment.revoke(*partitions)

    @app.agent(app.topic(CHANGES.name, key_serializer="raw", value_serializer="raw"))
    async def group(stream: Any) -> None:
        # noack_take acknowledges nothing. With take(), an agent that raises would lose its batch.
        async for events in stream.noack_take(TAKE_EVENTS, within=TAKE_WITHIN_S):
            await assignment.dispatch(events, app.consumer_generation_id)

    health = GroupHealth(assignment, lambda: app.should_stop)

    @app.task  # type: ignore[untyped-decorator]
    async def beat() -> None:
        await health.heart.run()

    return app, health


def credentials(cluster: Cluster) -> "CredentialsT | None":
    """Returns the credentials of Faust's own client; None where the cluster needs none."""
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


def model_fetcher(engine: "Engine") -> "FetchModel":
    """Returns a function that reads firms' models from the database. It connects only when a model is activated."""
    from connectors.mariadb.source.model_store import read_model

    def found(firm: int, version: str) -> bytes | None:
        with engine.connect() as connection:
            return read_model(connection, firm, version)

    return found


def command() -> None:
    """Group change events as they arrive, until stopped. Start several to share the partitions.

    Example: ./timeloom group

    Exit: 0 stopped; 1 an unexpected error (start it again: nothing is lost); 3 a server is not up.
    """
    import faust

    from connectors.kafka.client.connectivity import knock
    from connectors.mariadb.server.engine import connect
    from processors.grouping.batch import warm_up
    from streams.settings import load
    from streams.shared.model_store import ModelStore, shipped_model
    from streams.telemetry.logs import configure_json_logs
    from streams.telemetry.server import TelemetryServer

    sys.setswitchinterval(THREAD_SWITCH_S)
    settings = load()
    configure_json_logs("group")
    kafka = settings.kafka()
    knock(kafka)
    datadir = str(settings.home / "run" / "faust")
    models = ModelStore(model_fetcher(connect(settings.mariadb().url("pipeline"), pool_size=1)))
    warm_up(shipped_model())  # before it joins: compiling may take longer than the session of a silent worker
    app, health = make_app(kafka, models, shipped_model().version, datadir, settings.worker_session_s)
    worker = faust.Worker(app, loglevel="WARNING", redirect_stdouts=False, override_logging=False, quiet=True)
    worker.spinner = None  # its output would appear between the JSON lines of the log
    with TelemetryServer(health, settings.telemetry_host, settings.telemetry_port):
        worker.execute_from_commandline()
