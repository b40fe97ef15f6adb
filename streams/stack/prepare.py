"""Prepares servers that are up for this version: database, topics, connector. Repeating it changes nothing."""

from typing import TYPE_CHECKING

from connectors.stack.progress import Progress, Silent

if TYPE_CHECKING:
    from streams.settings import Settings

RESTART_WITHIN_S = 10


def command() -> None:
    """Create the tables and users and the topics, and register the connector, on servers that are up.

    `stack up` does this by itself; for your own servers, set TIMELOOM_DATABASE_HOST and the like first.

    Example: ./timeloom prepare

    Exit: 0 all is prepared; 3 a server is out of reach, or a topic has wrong settings.
    """
    from streams.settings import load
    from streams.shared.terminal import TerminalProgress

    with TerminalProgress() as screen:
        prepare(load(), screen)


def prepare(settings: "Settings", progress: Progress | None = None) -> None:
    """Migrates the database, then creates and checks the topics, then registers the connector and sees it run."""
    from connectors.debezium.connector import Connect, Target, configuration, verified
    from connectors.kafka.client.connectivity import knock
    from connectors.kafka.client.security import java_client
    from connectors.kafka.client.topic_admin import ensure_topics
    from connectors.mariadb.server.migrate import migrate
    from connectors.mariadb.server.users import Passwords
    from connectors.stack.waiting import wait_until
    from schemas.topics import CHANGES, TOPICS

    shown = progress or Silent()
    database = settings.mariadb()
    secrets = database.secrets
    with shown.step("database"):
        migrate(database.url("admin"), Passwords(secrets.collector, secrets.capture, secrets.pipeline), database.name)
    with shown.step("topics"):
        kafka = settings.kafka()
        knock(kafka)
        ensure_topics(kafka, TOPICS)
    with shown.step("connector"):
        connect = Connect(settings.connect())
        target = Target(
            database_host=database.host,
            database_port=database.port,
            database_password=secrets.capture,
            kafka_bootstrap=kafka.bootstrap,
            partitions=CHANGES.partitions,
            database=database.name,
            kafka_security=java_client(kafka.security),
            database_tls=verified(database.host, database.truststore, database.truststore_password)
            if database.ssl_ca
            else {},
        )
        for change in connect.register(configuration(target)):
            if change.before is not None:
                shown.say(f"connector: {change.key} was {change.before}, is {change.after}")
        if connect.state().failed:
            shown.say("connector: its task had failed, so it is started again")
            connect.restart()
            wait_until(lambda: not connect.state().failed, RESTART_WITHIN_S)
        connect.see_it_run()
