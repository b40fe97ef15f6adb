"""`ops`: the commands of operators. Each has a module of its own."""

import typer

from streams.ops import lag, offsets, snapshot, status
from streams.ops.dlq import command

app = typer.Typer(no_args_is_help=True, help="See what is broken, watch the consumers, and move them.")
app.command("status")(status.command)
app.command("lag")(lag.command)
app.add_typer(offsets.app, name="offsets")
app.add_typer(snapshot.app, name="snapshot")
app.add_typer(command.app, name="dlq")
