"""`evaluate`: judges models by labelled events, beside what simple rules reach, and shows where they go wrong.

    read ──▶ group (the same processors as live) ──▶ compare with the true groups ──▶ table, JSON, page

No stack, no database. Only here are true groups read, and only after grouping do they take part.
"""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from connectors.sources.event import Notes
from schemas.errors import ConfigurationError, SourceError
from streams.reading import counted

if TYPE_CHECKING:
    from rich.table import Table

    from processors.evaluation.calibration import Worth
    from processors.evaluation.intervals import Interval
    from processors.grouping.model import Model
    from streams.judging import Evaluation, Rated

SHOWN = ("B3-F", "ARI", "EM-F", "PW-F", "1-VI", "1-1")
"""The measures in the table, of all that `--json` has."""


class By(StrEnum):
    """The measures by which a peer's values can be chosen."""

    VI = "1-VI"
    ONE_TO_ONE = "1-1"
    EXACT = "EM-F"
    CUBED = "B3-F"
    PAIRS = "PW-F"
    RAND = "ARI"


def evaluate(
    events: Annotated[
        list[Path],
        typer.Argument(metavar="EVENTS...", readable=False, help="Files or folders of event lines with true groups."),
    ],
    models: Annotated[
        list[Path] | None,
        typer.Option("--model", help="A grouping model's file; may be given again.", show_default="the one that ships"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object with every measure.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page: pictures of days, the worst mistakes.")] = None,
    skip_system: Annotated[bool, typer.Option("--skip-system", help="Don't judge what machines wrote.")] = False,
    by: Annotated[By, typer.Option(help="The measure by which simple rules choose their values.")] = By.CUBED,
    seed: Annotated[int, typer.Option(help="Of the draws that intervals are made from.", min=0)] = 0,
) -> None:
    """Judge models by events whose true groups are known, beside simple rules. Needs no stack.

    Example: ./timeloom evaluate labelled.jsonl --html report.html

    Exit: 0 done; 1 a model can't be used; 2 EVENTS can't be read, or have no true groups.
    """
    if html is not None and not html.parent.is_dir():
        raise ConfigurationError(f"--html {html}: there is no folder {html.parent}. Make it, or name another file.")
    notes = Notes()
    files = _event_files(events, notes)
    from streams.judging import cases_of, evaluation, tried  # scipy takes its time, and a wrong path needs none
    from streams.screen import Screen, paper

    cases = cases_of(files, notes, skip_system)
    chosen = _models(models or [])
    with Screen() as screen:
        trials = []
        for model in chosen:
            with screen.step(f"grouped by {model.version}"):
                trials.append(tried(cases, model))
        with screen.step("compared with simple rules"):
            found = evaluation(cases, trials, by=by.value, seed=seed)
    for note in notes.lines():
        typer.echo(f"Note: {note}", err=True)
    if html is not None:
        from streams.report import page

        html.write_text(page(found, cases, trials), encoding="utf-8")
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    for shown in tables(found):
        paper().print(shown)
    for one in found.rated:
        if one.confidence is not None:
            print(f"{one.name}: {said_of(one.confidence)}")
    if html is not None:
        print(f"Wrote {html}")


def _event_files(paths: Sequence[Path], notes: Notes) -> list[Path]:
    """The files to read. Raises SourceError where one can't have true groups in it."""
    from connectors.sources.detect import Source, parts_of

    parts = [part for path in paths for part in parts_of(path, notes)]
    for source, file in parts:
        if source is not Source.EVENTS:
            raise SourceError(
                f"{file}: is of kind {source.value}, which has no true groups. Give event lines with `group` "
                "(docs/evaluating.md)."
            )
    return list(dict.fromkeys(file for _, file in parts))


def _models(paths: Sequence[Path]) -> list["Model"]:
    from streams.models import model_from, shipped_model

    found = {model.version: model for model in map(model_from, paths)}
    return list(found.values()) or [shipped_model()]


def tables(found: "Evaluation") -> list["Table"]:
    """The mean over streams, and all streams pooled; they are the same where there is one stream only."""
    said = (
        f"{counted(found.events, 'judged event')}, {counted(found.true_groups, 'true group')}, "
        f"{counted(found.streams, 'stream')}"
    )
    pooled = _table(f"{said}: pooled", found, {one.name: one.measured.pooled for one in found.rated})
    if found.streams == 1:
        return [pooled]
    return [_table(f"{said}: mean over streams", found, {one.name: one.measured.mean for one in found.rated}), pooled]


def _table(title: str, found: "Evaluation", of: "dict[str, dict[str, Interval]]") -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = Table(
        title=title,
        title_justify="left",
        caption=f"Percent; below, where 95 of 100 draws of streams lie. Simple rules have their values by {found.by}, "
        "an oracle for each stream by its true groups.",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    shown.add_column("")
    shown.add_column("groups", justify="right", no_wrap=True)
    for name in SHOWN:
        shown.add_column(name, justify="right", no_wrap=True)
    for one in found.rated:
        cells = [
            Text.assemble(f"{at.value:.1f}\n", (between(at), "dim")) for at in (of[one.name][name] for name in SHOWN)
        ]
        shown.add_row(Text(label(one)), f"{one.groups:,}", *cells, style="bold" if one.kind == "model" else None)
    return shown


def label(one: "Rated") -> str:
    """A row's name, with the values that were chosen for it."""
    return f"{one.name} ({one.chosen})" if one.chosen else one.name


def between(one: "Interval") -> str:
    """Where a measure lies: 76–85; nothing where one stream leaves nothing to draw."""
    return "" if one.low is None else f"{one.low:.0f}–{one.high:.0f}"


def said_of(worth: "Worth") -> str:
    """What a model's confidences are worth, in a sentence or two."""
    surer = "there aren't both right and wrong ones"
    if worth.auroc is not None:
        surer = f"a right group is surer than a wrong one {_percent(worth.auroc)} of the time (AUROC)"
    if worth.precision is None:
        shown = "None is shown"
    else:
        shown = (
            f"{_percent(worth.coverage)} are shown (with {_percent(worth.coverage_events)} of the events), "
            f"of which {_percent(worth.precision)} are right"
        )
    return (
        f"{_percent(worth.right)} of {counted(worth.groups, 'group')} are right; confidences are off by "
        f"{_percent(worth.error)} (calibration error); {surer}. {shown}."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"
