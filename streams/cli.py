"""Assembles the command line from the commands. Each command is in its own room and imports slow modules only when it
runs.
"""

import sys

import typer

from schemas.errors import TimeloomError
from streams.bill.command import app as bill
from streams.evaluate.command import evaluate
from streams.files.export import export
from streams.files.import_files import import_
from streams.files.preview import preview
from streams.group.command import command as group
from streams.models.command import app as models
from streams.models.train import train
from streams.ops.command import app as ops
from streams.simulate.command import simulate
from streams.stack.command import app as stack
from streams.stack.demo import demo
from streams.stack.prepare import command as prepare
from streams.verify.command import verify
from streams.views.timesheet import timesheet
from streams.views.watch import watch
from streams.watchdog.command import command as watchdog

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Turns the recorded activities of professionals into time entries that can be billed.",
    epilog="Exit: 0 success; 1 something is wrong; 2 wrong usage, setting or machine; 3 a server is not up.",
)
app.command("demo")(demo)
app.add_typer(stack, name="stack")
app.add_typer(bill, name="bill")
app.add_typer(ops, name="ops")
app.command("prepare")(prepare)
app.command("group")(group)
app.command("watchdog")(watchdog)
app.add_typer(models, name="model")
app.command("preview")(preview)
app.command("evaluate")(evaluate)
app.command("train")(train)
app.command("import")(import_)
app.command("export")(export)
app.command("simulate")(simulate)
app.command("watch")(watch)
app.command("verify")(verify)
app.command("timesheet")(timesheet)


def main() -> None:
    """Runs the command that was typed. An error that a person can repair is printed as one line; a bug prints its
    traceback.
    """
    try:
        app(prog_name="./timeloom")
    except TimeloomError as error:
        print(f"timeloom: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
