"""`timeloom stack`: the servers in the project's own folder, without root or containers.

Heavy imports are inside the commands, so that `--help` of any command is quick.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from streams.stack import server_check

if TYPE_CHECKING:
    from connectors.stack.processes.status import PartStatus
    from connectors.stack.progress import Progress
    from connectors.stack.stack import Stack
    from streams.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="The servers (MariaDB, Kafka, Kafka Connect) and what runs on them.\n\nExample: ./timeloom stack up",
    epilog="Exit: 0 well; 1 a part isn't as it should be; 2 wrong usage or machine; 3 a part doesn't come up or end.",
)
app.command("check")(server_check.check)

Lines = Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with every new line until Ctrl-C.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")]
Workers = Annotated[bool, typer.Option("--workers/--no-workers", help="Start `group`, `bill` and `watchdog` too.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]


@app.command()
def up(workers: Workers = True) -> None:
    """Bring everything up and wait until it answers: servers, tables, topics, connector, workers. Repeating it changes
    nothing.

    The first time it fetches what the machine lacks (240 MB at most), verified by sha256, into .timeloom/downloads.

    Example: ./timeloom stack up

    Exit: 0 all is up; 2 the machine lacks something, or the settings name other servers; 3 a part didn't come up.
    """
    from streams.shared.terminal import TerminalProgress

    with TerminalProgress() as screen:
        bring_up(screen, workers)
    status(as_json=False)


def bring_up(screen: "Progress", workers: bool) -> None:
    """Checks settings and machine, then brings up servers, tables, topics and connector, and the workers if asked."""
    from schemas.checks import PROGRAMS
    from streams.settings import load
    from streams.stack.prepare import prepare

    settings = load()
    refuse_elsewhere(settings)
    stack = opened(screen)
    _check_machine(stack)
    stack.up()
    prepare(settings, screen)
    if workers:
        stack.start(*PROGRAMS)


@app.command()
def status(as_json: Json = False) -> None:
    """Show each part's state, address, process and memory.

    Example: ./timeloom stack status --json

    Exit: 0 the servers are up and no part has failed; 1 otherwise.
    """
    import msgspec

    from connectors.stack.processes.programs import SERVERS

    parts = [_with_capture(part) for part in opened().status()]
    if as_json:
        print(msgspec.json.encode({"parts": parts}).decode())
    else:
        _print_table(parts)
    if any(part.state == "failed" or (part.part in SERVERS and part.state != "up") for part in parts):
        raise typer.Exit(1)


@app.command()
def logs(
    part: Annotated[str, typer.Argument(help="mariadb, kafka, connect, group, bill or watchdog.")],
    lines: Lines = 50,
    follow: Follow = False,
) -> None:
    """Print the log of a part.

    Example: ./timeloom stack logs connect --follow

    Exit: 0; 2 there is no such part.
    """
    import threading

    from connectors.stack.processes.programs import PARTS

    if part not in PARTS:
        raise typer.BadParameter(f"{part!r} is none of {', '.join(PARTS)}", param_hint="part")
    stack = opened()
    for line in stack.follow(part, lines, threading.Event()) if follow else stack.logs(part, lines):
        print(line, flush=follow)


@app.command()
def restart(
    parts: Annotated[
        list[str], typer.Argument(metavar="PART...", help="mariadb, kafka, connect, group, bill or watchdog.")
    ],
) -> None:
    """Stop parts and start them again, one after the other: gracefully, or by force if one doesn't stop in time.

    Nothing is lost; work waits until they are back.

    Example: ./timeloom stack restart group

    Exit: 0 each answers again; 2 there is no such part; 3 one does not end or come up.
    """
    from connectors.stack.processes.programs import PARTS

    for part in parts:
        if part not in PARTS:
            raise typer.BadParameter(f"{part!r} is none of {', '.join(PARTS)}", param_hint="part")
    stack = opened()
    for part in dict.fromkeys(parts):
        print(f"{part} is told to end", flush=True)
        stack.stop(part)
        stack.start(part)
        print(f"{part} is up", flush=True)


@app.command()
def down() -> None:
    """Stop everything gracefully. Data, ports and downloads stay.

    Example: ./timeloom stack down

    Exit: 0 nothing runs any more; 3 a part does not end.
    """
    stack = opened()
    stack.down()
    if stack.home.known:
        print("Stopped. Its data stays; ./timeloom stack up brings it back.")
    else:
        print(f"There is no stack in {stack.home.path}, so nothing was to be stopped.")


@app.command()
def reset(yes: Yes = False) -> None:
    """Stop everything and delete its data. Downloads stay.

    Example: ./timeloom stack reset --yes

    Exit: 0 done; 1 you said no.
    """
    stack = opened()
    if not yes:
        typer.confirm(f"Delete all data of the stack in {stack.home.path}?", abort=True)
    print("Stopping everything ...", flush=True)
    stack.reset()
    print(f"{stack.home.path} has no stack any more; downloads stay.")


def refuse_elsewhere(settings: "Settings") -> None:
    """Raises ConfigurationError if the settings name other servers: a stack beside them would prepare those."""
    from schemas.errors import ConfigurationError

    if named := settings.elsewhere():
        raise ConfigurationError(
            f"The environment names servers of your own ({', '.join(named)}), so no stack is started in this folder. "
            "For yours: ./timeloom prepare; then start group, bill and watchdog as services (docs/servers.md). "
            "For a stack in this folder unset these variables."
        )


def opened(progress: "Progress | None" = None) -> "Stack":
    """The stack that the settings name."""
    from connectors.stack.stack import Stack
    from streams.settings import load

    settings = load()
    return Stack(
        settings.home,
        downloads=settings.downloads,
        progress=progress,
        repository=settings.maven,
        java_home=settings.java_home,
        certificates=settings.stack_tls,
    )


def _with_capture(part: "PartStatus") -> "PartStatus":
    """Adds the connector's state to Connect's: Connect answers while its connector has failed."""
    import msgspec

    from connectors.debezium.connector import Connect

    if part.part != "connect" or part.state != "up" or part.address is None:
        return part
    capture = Connect(part.address).state()
    if capture.connector == "UNREGISTERED":
        return msgspec.structs.replace(part, said="capture is not registered: ./timeloom prepare")
    if capture.running:
        return msgspec.structs.replace(part, said="capture runs")
    said = f"capture: connector {capture.connector}, task {capture.task}. {capture.why}".strip()
    return msgspec.structs.replace(part, state="failed" if capture.failed else "starting", said=said)


def _check_machine(stack: "Stack") -> None:
    """Raises if the stack can't run on this machine, before anything is fetched."""
    from connectors.stack.install import machine
    from schemas.errors import MachineError

    if not machine.right_platform():
        raise MachineError(f"The native stack runs on Linux x86-64 with glibc. Use containers: {machine.COMPOSE}")
    if found := machine.problems(machine.ROOT):
        raise MachineError(machine.told(found))


def _print_table(parts: "list[PartStatus]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("part", "state", "address", "pid", "memory", ""):
        table.add_column(heading)
    colours = {"up": "green", "starting": "yellow", "failed": "red", "down": "dim"}
    for part in parts:
        memory = f"{part.memory_mb} MB" if part.memory_mb else ""
        state = f"[{colours[part.state]}]{part.state}[/]"
        table.add_row(part.part, state, part.address or "", str(part.pid or ""), memory, part.said)
    Console(highlight=False).print(table)
