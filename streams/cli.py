"""The command line: every command, assembled. Each lives in its own file and imports what is heavy inside itself."""

import sys

import typer

from schemas.errors import TimeloomError
from streams import (
    bill,
    demo,
    evaluate,
    export,
    group,
    importing,
    model,
    ops,
    prepare,
    preview,
    simulate,
    stack,
    tend,
    timesheet,
    train,
    verify,
    watch,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Turns what a professional did into time entries that can be billed.",
    epilog="Exit: 0 well; 1 something is not as it should be; 2 wrong usage, setting or machine; 3 a server is not up.",
)
app.command("demo")(demo.demo)
app.add_typer(stack.app, name="stack")
app.add_typer(bill.app, name="bill")
app.add_typer(ops.app, name="ops")
app.command("prepare")(prepare.command)
app.command("group")(group.command)
app.command("tend")(tend.command)
app.add_typer(model.app, name="model")
app.command("preview")(preview.preview)
app.command("evaluate")(evaluate.evaluate)
app.command("train")(train.train)
app.command("import")(importing.import_)
app.command("export")(export.export)
app.command("simulate")(simulate.simulate)
app.command("watch")(watch.watch)
app.command("verify")(verify.verify)
app.command("timesheet")(timesheet.timesheet)


def main() -> None:
    """Runs the command that was typed. What a person can mend is told in a line; a bug shows its trace."""
    try:
        app(prog_name="./timeloom")
    except TimeloomError as error:
        print(f"timeloom: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
