"""`ops dlq`: lists the open dead letters, shows one whole, retries or discards them."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.errors import ConfigurationError, TimeloomError
from schemas.outcomes import Reason

if TYPE_CHECKING:
    from connectors.kafka.records.open_dead_letters import Letter, Letters
    from schemas.keys import OriginKey

RETRY_TIMEOUT_S = 60.0

app = typer.Typer(no_args_is_help=True, help="Dead letters: what could not be used, and what to do about it.")

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")]
OriginsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[TOPIC/PARTITION/OFFSET]...", help="Letters, as `list` names them.")
]
ReasonOption = Annotated[Reason | None, typer.Option("--reason", help="All letters of this reason.")]


@app.command("list")
def list_command(
    reason: ReasonOption = None,
    discarded: Annotated[bool, typer.Option("--discarded", help="Those that were given up: by whom, and why.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="Letters that the text shows; --json has all.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show the open dead letters, by reason, with their age, origin and row.

    Example: ./timeloom ops dlq list

    Exit: 0 shown; 3 the broker is not up.
    """
    import time

    from streams.ops.dlq import tables

    letters = _read_dead_letters()
    if discarded:
        tables.print_discards(letters, as_json)
        return
    found = [one for one in letters.open if reason in (None, one.said.reason)]
    tables.print_dead_letters(found, len(letters.discarded), limit, time.time(), as_json)


@app.command("show")
def show(
    origin: Annotated[str, typer.Argument(metavar="TOPIC/PARTITION/OFFSET", help="As `list` names it.")],
    as_json: JsonOption = False,
) -> None:
    """Show one dead letter whole: its reason, what to do, and the record as it arrived.

    Example: ./timeloom ops dlq show changes/3/41

    Exit: 0 shown; 1 there is no such letter; 2 that isn't an origin; 3 the broker is not up.
    """
    import time

    from streams.ops.dlq import tables

    letters = _read_dead_letters()
    (letter,) = _find_dead_letters(letters, [origin])
    tables.print_dead_letter(letter, letters.discarded.get(letter.origin), time.time(), as_json)


@app.command("retry")
def retry(
    origins: OriginsArgument = None,
    reason: ReasonOption = None,
    within: Annotated[
        float, typer.Option(min=0.1, help="Seconds that the pipeline may take to see what is said again.")
    ] = RETRY_TIMEOUT_S,
    as_json: JsonOption = False,
) -> None:
    """Resend what dead letters are about, after the cause was mended. A retry can't double anything: a row keeps its
    identity.

    Repeat it if it was killed; that does no harm. A letter is resolved by itself when its row is corrected, so retry
    what needed no correction: a bug of ours that was fixed, a missing model, a column that was restored.

    Example: ./timeloom ops dlq retry --reason missing_column

    Exit: 0 all are resolved; 1 some are still open, or there is no such letter; 2 wrong usage; 3 a server is not up, or
    behind.
    """
    from connectors.mariadb.server.engine import connect
    from streams.ops.dlq import tables
    from streams.ops.dlq.retry import Retry
    from streams.settings import load

    chosen = _select_dead_letters(_read_dead_letters(), origins, reason)
    database = load().mariadb()
    retrying = Retry(load().kafka(), connect(database.url("collector")), connect(database.url("pipeline")), within)
    done = retrying.retry(chosen)
    tables.print_retry_result(done, as_json)
    if done.again or done.left:
        raise typer.Exit(1)


@app.command("discard")
def discard(
    why: Annotated[str, typer.Option("--why", help="Why nothing is lost by it; kept.")],
    origins: OriginsArgument = None,
    reason: ReasonOption = None,
    by: Annotated[str | None, typer.Option("--by", help="Who decides; else who is logged in.")] = None,
) -> None:
    """Discard dead letters: they no longer count as open. Who, when and why is stored (`list --discarded`), and the
    letter too.

    Example: ./timeloom ops dlq discard changes/3/41 --why "somebody tried the topic out"

    Exit: 0 discarded; 1 there is no such letter; 2 wrong usage; 3 the broker is not up.
    """
    import getpass
    import time

    from connectors.kafka.records.dead_letter_writer import DeadLetters
    from schemas.dead_letters import DiscardRecord
    from streams.settings import load

    if not why.strip():
        raise ConfigurationError("--why is empty; whoever asks in a year wants to read it.")
    who, at = by or getpass.getuser(), time.time_ns() // 1000
    chosen = _select_dead_letters(_read_dead_letters(), origins, reason)
    named = [(one.origin, one.said) for one in chosen]
    DeadLetters(load().kafka()).discard(
        [
            (origin, DiscardRecord(who, why, at, said.reason, said.firm, said.timekeeper, said.table, said.row))
            for origin, said in named
        ]
    )
    print(f"{len(chosen)} discarded; ./timeloom ops dlq list --discarded shows who gave up what, and why")
    if rows := len({(said.firm, said.timekeeper, said.table, said.row) for _, said in named if said.row is not None}):
        print(f"{rows} of their rows may still be there: what they say is in no group until they change")


def _read_dead_letters() -> "Letters":
    from connectors.kafka.client.connectivity import ASKED_BY_A_PERSON_S, knock
    from connectors.kafka.records.open_dead_letters import read_letters
    from streams.settings import load

    cluster = load().kafka()
    knock(cluster, ASKED_BY_A_PERSON_S)
    return read_letters(cluster)


def _select_dead_letters(dead_letters: "Letters", origins: list[str] | None, reason: Reason | None) -> "list[Letter]":
    """The named letters, or the open ones of a reason."""
    if bool(origins) == bool(reason):
        raise ConfigurationError("Name letters (changes/3/41, as `list` shows them), or a --reason; one of both.")
    if origins:
        return _find_dead_letters(dead_letters, origins)
    return [one for one in dead_letters.open if one.said.reason is reason]


def _find_dead_letters(dead_letters: "Letters", origins: list[str]) -> "list[Letter]":
    named = [_parse_origin(text) for text in dict.fromkeys(origins)]
    if gone := [text for text, origin in zip(origins, named, strict=False) if origin not in dead_letters.standing]:
        raise TimeloomError(
            f"No dead letter stands at {', '.join(gone)}: it was answered meanwhile, or never was. What stands: "
            "./timeloom ops dlq list"
        )
    return [dead_letters.standing[origin] for origin in named]


def _parse_origin(text: str) -> "OriginKey":
    from schemas.keys import OriginKey

    found = re.fullmatch(r"([\w.-]+)/(\d{1,9})/(\d{1,18})", text)
    if found is None:
        raise ConfigurationError(f"{text!r} is no origin; one is TOPIC/PARTITION/OFFSET, as changes/3/41.")
    return OriginKey(found[1], int(found[2]), int(found[3]))
