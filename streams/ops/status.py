"""`ops status`: shows whether all is well, and if not, which link is broken and the command that mends it."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from streams.ops.overview import Overview

SERVER_TIMEOUT_S = 2.0
REFRESH_S = 2.0


def command(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look again and again until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a look, for programs.")] = False,
    within: Annotated[
        float, typer.Option(min=0.1, help="Seconds that a server may take to answer.")
    ] = SERVER_TIMEOUT_S,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between looks, with --watch.")] = REFRESH_S,
) -> None:
    """Show every link from the database to the entries, the state of each consumer, and first what is broken.

    Example: ./timeloom ops status --watch

    Exit: 0 all is well; 1 something isn't; 3 a server is not up.
    """
    from streams.ops.overview import read_overview
    from streams.settings import load

    settings = load()
    seen = read_overview(settings, within)
    if watch and not as_json:
        _show_live(seen, lambda: read_overview(settings, within), every)
    while watch and as_json:
        _print_json(seen)
        time.sleep(every)
        seen = read_overview(settings, within)
    if as_json:
        _print_json(seen)
    else:
        from rich.console import Console

        Console(highlight=False).print(_render(seen))
    if not seen.well:
        raise typer.Exit(1 if seen.all_up else 3)


def _show_live(seen: "Overview", refresh: "Callable[[], Overview]", every: float) -> None:
    from rich.console import Console
    from rich.live import Live

    with Live(_render(seen), console=Console(highlight=False), auto_refresh=False) as live:
        while True:
            time.sleep(every)
            live.update(_render(refresh()), refresh=True)


def _print_json(seen: "Overview") -> None:
    import msgspec

    print(msgspec.json.encode(seen).decode(), flush=True)


def _render(seen: "Overview") -> "RenderableType":
    """What is broken and its remedy, then a line for each link."""
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    if seen.broken is None:
        first = Text("all is well", style="green")
    else:
        mend = f"Mend it: {seen.broken.mend}" if seen.broken.mend else ""
        first = Text(f"{seen.broken.name}: {seen.broken.said.rstrip('.')}. {mend}", style="red")
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(4):
        table.add_column()
    for link in seen.links:
        mark = "[green]well[/]" if link.well else "[red]WRONG[/]"
        table.add_row(link.name, mark, escape(link.said), link.mend)
    return Group(first, table)
