"""`stack check`: checks a user's own servers, and prints what to paste. It only reads."""

from collections import defaultdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy import URL

    from schemas.checks import ServerCheck
    from streams.settings import Settings

USERS = ("capture", "collector", "pipeline")
SIGNS = {"right": "[green]✓[/]", "better": "[yellow]![/]", "wrong": "[red]✗[/]"}


def check(
    url: Annotated[
        str | None,
        typer.Option(
            help="A MariaDB, as mysql://USER@HOST:PORT/DATABASE. The password is TIMELOOM_ADMIN_PASSWORD, which "
            "keeps it out of the list of processes."
        ),
    ] = None,
    kafka: Annotated[str | None, typer.Option(help="A Kafka, as HOST:PORT,HOST:PORT.")] = None,
    connect: Annotated[str | None, typer.Option(help="A Kafka Connect, as http://HOST:PORT.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Check your own MariaDB, Kafka and Kafka Connect, and print the SQL and settings that they need.

    It changes nothing. Without options it checks the servers that the settings name; with some, only those.

    Example: ./timeloom stack check --url mysql://root@db.example.com/timeloom --kafka kafka.example.com:9092

    Exit: 0 all is right; 1 something is not; 2 wrong usage or setting; 3 a server is out of reach or refuses.
    """
    from schemas.errors import CaptureError, StackError
    from streams.settings import load

    settings = load()
    checks: list[ServerCheck] = []
    lost: list[str] = []
    for look, given in ((_database, url), (_cluster, kafka), (_connect, connect)):
        if given or not (url or kafka or connect):
            try:
                checks += look(settings, given)
            except (StackError, CaptureError) as error:
                lost.append(str(error))
    _say(checks, lost, _environment(settings, url, kafka), as_json)
    if lost:
        raise typer.Exit(StackError.exit_code)
    if any(one.level == "wrong" for one in checks):
        raise typer.Exit(1)


def _database(settings: "Settings", given: str | None) -> "list[ServerCheck]":
    from connectors.mariadb.server.server_facts import read_database_facts
    from connectors.mariadb.server.users import grants
    from processors.server_checks.mariadb import check_database

    url = _url(settings, given) if given else settings.mariadb().url("admin")
    database = url.database or settings.database
    facts = read_database_facts(url, database, USERS)
    return check_database(facts, grants(database), database, own_tls="ssl_ca" in url.query)


def _url(settings: "Settings", given: str) -> "URL":
    """The address as SQLAlchemy takes it. Raises ConfigurationError if it isn't one."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    from schemas.errors import ConfigurationError
    from streams.shared.server_access import certificate_file

    try:
        url = make_url(given)
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError("--url is no address like mysql://USER@HOST:PORT/DATABASE.") from error
    if url.get_backend_name() not in ("mysql", "mariadb") or not url.host:
        raise ConfigurationError("--url is no address like mysql://USER@HOST:PORT/DATABASE.")
    secret = settings.admin_password
    url = url.set(
        drivername="mariadb+pymysql",
        username=url.username or settings.admin_user,
        password=url.password or (secret.get_secret_value() if secret else None),
        port=url.port or 3306,
    )
    ca = settings.database_ssl_ca
    return url.update_query_dict({"ssl_ca": certificate_file("TIMELOOM_DATABASE_SSL_CA", ca)}) if ca else url


def _cluster(settings: "Settings", given: str | None) -> "list[ServerCheck]":
    from connectors.kafka.client.cluster_facts import read_facts
    from processors.server_checks.kafka import check_cluster
    from schemas.topics import TOPICS

    if given:
        settings = settings.model_copy(update={"kafka_bootstrap": given})
    facts = read_facts(settings.kafka(), [topic.name for topic in TOPICS])
    return check_cluster(facts, TOPICS, round(settings.worker_session_s * 1000))


def _connect(settings: "Settings", given: str | None) -> "list[ServerCheck]":
    from connectors.debezium.connector import Connect
    from processors.server_checks.connect import check_connect

    return check_connect(Connect(given or settings.connect()).facts())


def _environment(settings: "Settings", url: str | None, kafka: str | None) -> list[str]:
    """The variables to set to run Timeloom on these servers."""
    lines = []
    if url:
        where = _url(settings, url)
        lines += [f"export TIMELOOM_DATABASE_HOST={where.host} TIMELOOM_DATABASE_PORT={where.port}"]
        lines += [
            f"export TIMELOOM_ADMIN_USER={where.username} TIMELOOM_DATABASE={where.database or settings.database}"
        ]
        lines += [f"export TIMELOOM_{user}_PASSWORD=..." for user in ("ADMIN", "COLLECTOR", "CAPTURE", "PIPELINE")]
    if kafka:
        lines += [f"export TIMELOOM_KAFKA_BOOTSTRAP={kafka}", "export TIMELOOM_CONNECT_URL=http://CONNECT:8083"]
    return lines


def _say(checks: "list[ServerCheck]", lost: list[str], environment: list[str], as_json: bool) -> None:
    if as_json:
        import msgspec

        print(msgspec.json.encode({"checks": checks, "unreachable": lost, "environment": environment}).decode())
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    for part in sorted({one.part for one in checks}):
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in ("", part, "is"):
            table.add_column(heading, overflow="fold")
        for one in checks:
            if one.part == part:
                table.add_row(SIGNS[one.level], escape(one.what), escape(_sentence(one)))
        console.print(table)
    # Printed bare, not by the console: what is to be pasted may not be wrapped.
    for where, lines in _pasted(checks).items():
        print("", f"Paste into {where}:", *(f"    {line}" for line in lines), sep="\n")
    if environment:
        print("", "To run Timeloom there, set:", *(f"    {line}" for line in environment), sep="\n")
    for line in lost:
        print("", line, sep="\n")


def _sentence(one: "ServerCheck") -> str:
    return (
        one.found
        if one.level == "right"
        else f"{one.found}; should be {one.wanted}. {one.why[:1].upper()}{one.why[1:]}"
    )


def _pasted(checks: "list[ServerCheck]") -> dict[str, list[str]]:
    """What to paste, by place; a line that several checks need appears once."""
    places: dict[str, dict[str, None]] = defaultdict(dict)
    for one in checks:
        places[one.where].update(dict.fromkeys(one.mend))
    return {where: list(lines) for where, lines in places.items() if lines}
