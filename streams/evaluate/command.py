"""`evaluate`: judges models by labelled events, beside what simple rules reach, and shows where they go wrong.

    read ──▶ group (the same processors as live) ──▶ compare with the true groups ──▶ table, JSON, page

No stack, no database. Only here are true groups read, and only after grouping do they take part; models that are
trained to be judged learn from those of other people, or of the past.
"""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from connectors.sources.event import Notes
from schemas.errors import ConfigurationError
from streams.models.train import check_the_library

if TYPE_CHECKING:
    from processors.evaluation.comparison import Case, Trial
    from processors.grouping.model.grouping_model import Model
    from streams.evaluate.evaluation_run import Evaluation
    from streams.shared.terminal import Screen


class By(StrEnum):
    """The measures by which a peer's values can be chosen."""

    VI = "1-VI"
    ONE_TO_ONE = "1-1"
    EXACT = "EM-F"
    CUBED = "B3-F"
    PAIRS = "PW-F"
    RAND = "ARI"


class Asked(msgspec.Struct, frozen=True):
    """What is judged, and how. `folds` and `blocks` are None where no models are trained for it, over `base`."""

    models: Sequence["Model"]
    base: "Model"
    folds: int | None
    blocks: int | None
    by: str
    seed: int


def evaluate(
    events: Annotated[
        list[Path],
        typer.Argument(metavar="EVENTS...", readable=False, help="Files or folders of event lines with true groups."),
    ],
    models: Annotated[
        list[Path] | None,
        typer.Option("--model", help="A grouping model's file; may be given again.", show_default="the one that ships"),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            metavar="K", min=2, help="Train, too: on K - 1 folds of the streams, to judge those of the other."
        ),
    ] = None,
    prequential: Annotated[
        bool, typer.Option("--prequential", help="Train, too: on the past, to judge what came next, block by block.")
    ] = False,
    blocks: Annotated[
        int, typer.Option(metavar="N", min=2, help="Into how many blocks --prequential cuts each stream's time.")
    ] = 5,
    base: Annotated[
        Path | None, typer.Option(help="The model that those are trained over.", show_default="the one that ships")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object with every measure.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page: pictures of days, the worst mistakes.")] = None,
    mistakes: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Tell each model's N worst mistakes of both kinds, and why.")
    ] = None,
    skip_system: Annotated[bool, typer.Option("--skip-system", help="Don't judge what machines wrote.")] = False,
    by: Annotated[By, typer.Option(help="The measure by which simple rules choose their values.")] = By.CUBED,
    seed: Annotated[int, typer.Option(help="Of the draws that intervals are made from.", min=0)] = 0,
) -> None:
    """Judge models by events whose true groups are known, beside simple rules. Needs no stack.

    Example: ./timeloom evaluate labelled.jsonl --folds 4 --html report.html

    Exit: 0 done; 1 a model can't be used; 2 EVENTS can't be read, have no true groups or too few, or the machine lacks
    a library.
    """
    if html is not None and not html.parent.is_dir():
        raise ConfigurationError(f"--html {html}: there is no folder {html.parent}. Make it, or name another file.")
    if folds is not None or prequential:
        check_the_library()
    notes = Notes()
    from streams.evaluate.evaluation_run import cases_of, labelled_files

    files = labelled_files(events, notes)
    from streams.shared.terminal import Screen

    cases = cases_of(files, notes, skip_system)
    first = _models([base] if base else [])[0]
    asked = Asked(_models(models or []), first, folds, blocks if prequential else None, by.value, seed)
    with Screen() as screen:
        found, trials = _judged(cases, asked, screen)
    for note in notes.lines():
        typer.echo(f"Note: {note}", err=True)
    if mistakes is not None or html is not None:
        from streams.evaluate.mistakes_report import MISTAKES, mistaken

        wrong = tuple(mistaken(cases, trial, mistakes or MISTAKES) for trial in trials)
        found = msgspec.structs.replace(found, mistakes=wrong)
    if html is not None:
        from streams.evaluate.page import page

        html.write_text(page(found, cases, trials), encoding="utf-8")
    if mistakes is None:
        found = msgspec.structs.replace(found, mistakes=())
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    _print(found)
    if html is not None:
        print(f"Wrote {html}")


def _print(found: "Evaluation") -> None:
    from streams.evaluate.tables import sentences, tables, told
    from streams.shared.terminal import paper

    for shown in tables(found):
        paper().print(shown)
    for said in sentences(found):
        print(said)
    for one in found.mistakes:
        for said in told(one):
            print(said)


def _models(paths: Sequence[Path]) -> list["Model"]:
    from streams.shared.model_store import model_from, shipped_model

    found = {model.version: model for model in map(model_from, paths)}
    return list(found.values()) or [shipped_model()]


def _judged(cases: Sequence["Case"], asked: Asked, screen: "Screen") -> tuple["Evaluation", list["Trial"]]:
    """What was found out, and what the models made of whole streams."""
    from streams.evaluate.evaluation_run import evaluation

    folded = []
    if asked.folds is not None:  # first, because it refuses what has too few streams
        from streams.evaluate.cross_validation import learner, out_of_fold

        folded.append(out_of_fold(cases, asked.folds, learner(asked.base, screen)))
    trials = [*_tried(cases, asked, screen), *folded]
    with screen.step("compared with simple rules"):
        found = evaluation(cases, trials, by=asked.by, seed=asked.seed)
    if asked.blocks is None:
        return found, trials
    from streams.evaluate.cross_validation import learner, prequential

    later, trial = prequential(cases, asked.blocks, learner(asked.base, screen))
    fixed = _tried(later, asked, screen)
    with screen.step("compared with simple rules, block by block"):
        next_ = evaluation(later, [*fixed, trial], by=asked.by, seed=asked.seed)
    return msgspec.structs.replace(found, prequential=next_), trials


def _tried(cases: Sequence["Case"], asked: Asked, screen: "Screen") -> list["Trial"]:
    from streams.evaluate.evaluation_run import tried

    trials = []
    for model in asked.models:
        with screen.step(f"grouped by {model.version}"):
            trials.append(tried(cases, model))
    return trials
