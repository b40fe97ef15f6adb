"""`ops offsets`: shows the offsets of consumers, moves them, and undoes a move."""

from typing import TYPE_CHECKING, Annotated

import typer

from schemas.errors import ConfigurationError, TimeloomError

if TYPE_CHECKING:
    from processors.monitoring.offset_moves import Move
    from streams.shared.consumer_state import WatchedConsumer

app = typer.Typer(no_args_is_help=True, help="Where consumers go on: show it, move it, put it back.")

GroupArgument = Annotated[str, typer.Argument(help="The consumer group: group.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it. Without this, only say what would be done.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")]


@app.command()
def show(as_json: JsonOption = False) -> None:
    """Show each consumer's offset in each partition, the records that the broker has, and what was moved by hand.

    Example: ./timeloom ops offsets show

    Exit: 0 shown; 3 a server is not up.
    """
    import msgspec

    from streams.ops.offset_history import history_folder, read_history
    from streams.settings import load
    from streams.shared.consumer_state import ledger_offsets, read_consumer_states

    settings = load()
    seen, moved = read_consumer_states(settings.kafka(), ledger_offsets(settings)), read_history(settings.home)
    if as_json:
        print(msgspec.json.encode({"consumers": seen, "moved": moved}).decode())
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("group", "topic", "partition", "goes on at", "committed", "end"):
        table.add_column(heading, justify="right" if heading in ("goes on at", "committed", "end") else "left")
    for group in seen:
        for one in group.partitions:
            places_ = ("" if at is None else str(at) for at in (one.place, one.committed, one.end))
            table.add_row(group.group, one.topic, str(one.partition), *places_)
    console = Console(highlight=False)
    console.print(table)
    for move in moved:
        undone = f", put back {move.undone_at:%Y-%m-%d %H:%M:%S} UTC by {move.undone_by}" if move.undone_at else ""
        told = f"{move.at:%Y-%m-%d %H:%M:%S} UTC: {move.group} to {move.to} by {move.by}{undone}"
        console.print(told, soft_wrap=True)
    if moved:
        console.print(f"Kept in {history_folder(settings.home)}", soft_wrap=True)


@app.command()
def reset(
    group: GroupArgument,
    to: Annotated[str, typer.Option(help="earliest, latest, an offset, or a time such as 2026-03-02T08:00Z (UTC).")],
    partition: Annotated[list[int] | None, typer.Option(help="Only this partition; repeatable. Default: all.")] = None,
    skip_unread: Annotated[
        bool, typer.Option("--skip-unread", help="Let it pass over changes that it hasn't read.")
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Move the offsets of a consumer that isn't running. Shows what it would do; --yes does it. `undo` reverts it.

    Example: ./timeloom ops offsets reset group --to 2026-03-02T08:00Z --yes

    Exit: 0 shown or done; 1 it runs, or would skip unread changes; 2 there is no such offset; 3 a server is not up.
    """
    from connectors.kafka.consumers.consumer_groups import commit_for
    from processors.monitoring.offset_moves import plan_moves
    from streams.ops.offset_history import record_of, save_move
    from streams.ops.offset_targets import movable_consumer, positions_of, refuse_active, resolve_targets
    from streams.settings import load

    settings = load()
    consumer = movable_consumer(group)
    refuse_active(settings, consumer)
    standings = positions_of(settings, consumer, partition)
    try:
        planned = plan_moves(standings, resolve_targets(settings, consumer, to, partition is not None, standings))
    except ValueError as error:
        raise ConfigurationError(f"{consumer.topic.name}: {error}. See `./timeloom ops offsets show`.") from error
    if (skipping := [one.partition for one in planned if one.skips]) and not skip_unread:
        raise TimeloomError(
            f"{group} hasn't read all before that place in partitions {', '.join(map(str, skipping))}. If those "
            "changes are to be left out, say --skip-unread; `./timeloom verify --mend` has them said again."
        )
    if not (yes and planned):
        _print_moves(consumer, planned, as_json, done=False, message="Nothing was changed. Do it: the same with --yes")
        return
    # Saved first: whatever happens from here on, what was is known.
    file = save_move(settings.home, record_of(group, consumer.topic.name, to, planned))
    commit_for(settings.kafka(), group, {(consumer.topic.name, one.partition): one.after for one in planned})
    said = f"Moved, and read back. What was is in {file}; put it back: ./timeloom ops offsets undo {group}"
    _print_moves(consumer, planned, as_json, done=True, message=said)


@app.command()
def undo(group: GroupArgument, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Undo a consumer's last reset. Shows what it would do; --yes does it.

    A partition that had never been read goes to its beginning, where it would have started. Changes that it was reset
    to read again, and hasn't read yet, are skipped, with a message.

    Example: ./timeloom ops offsets undo group --yes

    Exit: 0 shown or done; 1 it runs, or there is nothing to undo; 3 a server is not up.
    """
    from connectors.kafka.consumers.consumer_groups import commit_for
    from processors.monitoring.offset_moves import plan_undo
    from streams.ops.offset_history import read_history, save_move, undo_record_of
    from streams.ops.offset_targets import movable_consumer, positions_of, refuse_active
    from streams.settings import load

    settings = load()
    consumer = movable_consumer(group)
    left = [one for one in read_history(settings.home) if one.group == group and one.undone_at is None]
    if not left:
        raise TimeloomError(f"No reset of {group} is left to undo. See `./timeloom ops offsets show`.")
    refuse_active(settings, consumer)
    back = plan_undo(positions_of(settings, consumer, [one.partition for one in left[-1].moves]), left[-1].moves)
    if not yes:
        _print_moves(consumer, back, as_json, done=False, message="Nothing was changed. Do it: the same with --yes")
        return
    commit_for(settings.kafka(), group, {(consumer.topic.name, one.partition): one.after for one in back})
    file = save_move(settings.home, undo_record_of(left[-1]))
    said = f"Put back, and read back. Noted in {file}"
    if any(one.skips for one in back):
        said += "\nWhat it was to read again is as it was; if that was wrong: ./timeloom verify --mend"
    _print_moves(consumer, back, as_json, done=True, message=said)


def _print_moves(consumer: "WatchedConsumer", planned: "list[Move]", as_json: bool, done: bool, message: str) -> None:
    import msgspec

    if as_json:
        report = {"group": consumer.name, "topic": consumer.topic.name, "moves": planned, "done": done}
        print(msgspec.json.encode(report).decode())
        return
    for one in planned:
        was = "nothing read" if one.before is None else str(one.before)
        passing = ", passing over what it hasn't read" if one.skips else ""
        print(f"{consumer.topic.name} {one.partition}: {was} -> {one.after}{passing}")
    print(message if planned else f"{consumer.name} is there already.")
