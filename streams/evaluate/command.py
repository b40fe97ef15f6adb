"""`evaluate`: compares models and simple rules on labelled events, and shows where they go wrong.

    read ──▶ group (the same processors as live) ──▶ compare with the true groups ──▶ table, JSON, page

It needs no servers. True groups are read only here, and are used only after grouping. With `--folds` and
`--prequential` it also trains models, on other people's streams or on the past.
"""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from connectors.sources.event import Notes
from schemas.errors import ConfigurationError
from streams.models.train import check_openmp

if TYPE_CHECKING:
    from processors.evaluation.comparison import Case, ModelGroupings
    from processors.grouping.model.grouping_model import Model
    from streams.evaluate.evaluation_run import Evaluation
    from streams.shared.terminal import TerminalProgress


class TuningMeasure(StrEnum):
    """The measures by which the parameters of a rule baseline can be tuned."""

    VI = "1-VI"
    ONE_TO_ONE = "1-1"
    EXACT = "EM-F"
    CUBED = "B3-F"
    PAIRS = "PW-F"
    RAND = "ARI"


class EvaluateOptions(msgspec.Struct, frozen=True):
    """What is evaluated. `folds` and `blocks` are None if nothing is trained; `base` is what training starts from."""

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
        typer.Option("--model", help="The file of a grouping model; repeatable.", show_default="the one that ships"),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            min=2,
            help="Also train a model on K - 1 folds of the streams, and judge it on the other fold, for each fold.",
        ),
    ] = None,
    prequential: Annotated[
        bool, typer.Option("--prequential", help="Also train on the past and judge what came next, block by block.")
    ] = False,
    blocks: Annotated[
        int, typer.Option(metavar="N", min=2, help="The number of blocks that --prequential cuts each stream into.")
    ] = 5,
    base: Annotated[
        Path | None, typer.Option(help="The model that training starts from.", show_default="the one that ships")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with every measure.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with charts of days and the worst mistakes.")] = None,
    mistakes: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Print each model's N worst mistakes of both kinds, with reasons."),
    ] = None,
    skip_system: Annotated[bool, typer.Option("--skip-system", help="Leave out events that machines wrote.")] = False,
    by: Annotated[
        TuningMeasure, typer.Option(help="The measure by which the parameters of the rules are tuned.")
    ] = TuningMeasure.CUBED,
    seed: Annotated[int, typer.Option(help="The seed of the bootstrap intervals.", min=0)] = 0,
) -> None:
    """Compare models and simple rules on events whose true groups are known. Needs no servers.

    Example: ./timeloom evaluate labelled.jsonl --folds 4 --html report.html

    Exit: 0 done; 1 a model can't be used; 2 EVENTS can't be read, have no true groups or too few, or the machine lacks
    a library.
    """
    if html is not None and not html.parent.is_dir():
        raise ConfigurationError(f"--html {html}: there is no folder {html.parent}. Make it, or name another file.")
    if folds is not None or prequential:
        check_openmp()
    notes = Notes()
    from streams.files.labelled_events import labelled_files, read_cases

    files = labelled_files(events, notes)
    from streams.shared.terminal import TerminalProgress

    cases = read_cases(files, notes, skip_system)
    first = _load_models([base] if base else [])[0]
    asked = EvaluateOptions(_load_models(models or []), first, folds, blocks if prequential else None, by.value, seed)
    with TerminalProgress() as screen:
        found, trials = _run_evaluation(cases, asked, screen)
    for note in notes.lines():
        typer.echo(f"Note: {note}", err=True)
    if mistakes is not None or html is not None:
        from streams.evaluate.mistakes_report import MAX_MISTAKES, mistakes_report

        wrong = tuple(mistakes_report(cases, trial, mistakes or MAX_MISTAKES) for trial in trials)
        found = msgspec.structs.replace(found, mistakes=wrong)
    if html is not None:
        from streams.evaluate.page import page

        html.write_text(page(found, cases, trials), encoding="utf-8")
    if mistakes is None:
        found = msgspec.structs.replace(found, mistakes=())
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    _print_evaluation(found)
    if html is not None:
        print(f"Wrote {html}")


def _print_evaluation(evaluation: "Evaluation") -> None:
    from streams.evaluate.tables import measure_tables, mistake_lines, summary_sentences
    from streams.shared.terminal import table_console

    for shown in measure_tables(evaluation):
        table_console().print(shown)
    for said in summary_sentences(evaluation):
        print(said)
    for one in evaluation.mistakes:
        for said in mistake_lines(one):
            print(said)


def _load_models(model_files: Sequence[Path]) -> list["Model"]:
    from streams.shared.model_store import read_model_file, shipped_model

    found = {model.version: model for model in map(read_model_file, model_files)}
    return list(found.values()) or [shipped_model()]


def _run_evaluation(
    cases: Sequence["Case"], request: EvaluateOptions, screen: "TerminalProgress"
) -> tuple["Evaluation", list["ModelGroupings"]]:
    """Returns the results, and the groups that each model made of whole streams."""
    from streams.evaluate.evaluation_run import evaluate_groupings

    folded = []
    if request.folds is not None:  # first, because it refuses what has too few streams
        from streams.evaluate.cross_validation import cross_validate, model_trainer

        folded.append(cross_validate(cases, request.folds, model_trainer(request.base, screen)))
    trials = [*_group_by_each_model(cases, request, screen), *folded]
    with screen.step("compared with simple rules"):
        found = evaluate_groupings(cases, trials, tuning_measure=request.by, seed=request.seed)
    if request.blocks is None:
        return found, trials
    from streams.evaluate.cross_validation import evaluate_prequentially, model_trainer

    later, trial = evaluate_prequentially(cases, request.blocks, model_trainer(request.base, screen))
    fixed = _group_by_each_model(later, request, screen)
    with screen.step("compared with simple rules, block by block"):
        next_ = evaluate_groupings(later, [*fixed, trial], tuning_measure=request.by, seed=request.seed)
    return msgspec.structs.replace(found, prequential=next_), trials


def _group_by_each_model(
    cases: Sequence["Case"], request: EvaluateOptions, screen: "TerminalProgress"
) -> list["ModelGroupings"]:
    from streams.evaluate.evaluation_run import group_cases

    trials = []
    for model in request.models:
        with screen.step(f"grouped by {model.version}"):
            trials.append(group_cases(cases, model))
    return trials
