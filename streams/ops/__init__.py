"""`timeloom ops`: what an engineer looks at and does while everything runs. Each command has a file of its own."""

import typer

from streams.ops import dlq, lag, offsets

app = typer.Typer(no_args_is_help=True, help="Watch the consumers, and move them; dead letters.")
app.command("lag")(lag.command)
app.add_typer(offsets.app, name="offsets")
app.add_typer(dlq.app, name="dlq")
