"""`ops lag`: how far each consumer is behind, in offsets and in seconds."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from streams.shared.consumer_state import ConsumerState

STATUS_COLOURS = {"OK": "green", "WARNING": "yellow", "NOTFOUND": "yellow"}


def command(as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False) -> None:
    """Show each consumer group with its members, and by partition its lag in offsets and in seconds.

    Seconds are how long the oldest unread record has waited. Both are 0 if nothing is left to read.

    Example: ./timeloom ops lag

    Exit: 0 all consumers are OK; 1 one isn't; 3 a server is not up.
    """
    import msgspec

    from processors.monitoring.status import Status
    from streams.settings import load
    from streams.shared.consumer_state import ledger_offsets, read_consumer_states

    settings = load()
    seen = read_consumer_states(settings.kafka(), ledger_offsets(settings))
    if as_json:
        print(msgspec.json.encode({"consumers": seen}).decode())
    else:
        _print(seen)
    if any(one.status is not Status.OK for one in seen):
        raise typer.Exit(1)


def _print(seen: "list[ConsumerState]") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    for group in seen:
        console.print(
            f"{group.group}: {_coloured_status(group.status)}, {group.lag} offsets, {group.lag_seconds:g} s behind; "
            f"{group.state.lower().replace('_', ' ')}"
        )
        for member in group.members:
            has = ", ".join(str(number) for _, number in member.partitions) or "nothing"
            console.print(f"  {member.client} at {member.host} has {has}")
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in ("topic", "partition", "status", "place", "end", "lag", "seconds", ""):
            table.add_column(heading, justify="right" if heading in ("place", "end", "lag", "seconds") else "left")
        for one in group.partitions:
            place = "" if one.place is None else str(one.place)
            numbers = (place, str(one.end), str(one.lag), f"{one.lag_seconds:g}")
            table.add_row(one.topic, str(one.partition), _coloured_status(one.status), *numbers, one.note)
        console.print(table)


def _coloured_status(status: str) -> str:
    return f"[{STATUS_COLOURS.get(status, 'red')}]{status}[/]"
