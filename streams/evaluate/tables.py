"""Prints the results of `evaluate` on a terminal: tables of measures, sentences on each model, and its mistakes."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from processors.evaluation.blocking_recall import BlockingRecall
from processors.evaluation.bootstrap import Interval
from processors.evaluation.calibration import Calibration
from processors.evaluation.choices import AssignmentOutcomes
from streams.evaluate.evaluation_run import Evaluation, GroupingResult
from streams.evaluate.mistakes_report import MistakesReport, PieceView, cause_sentences
from streams.files.source_options import counted

if TYPE_CHECKING:
    from rich.table import Table

TABLE_MEASURES = ("B3-F", "ARI", "EM-F", "PW-F", "1-VI", "1-1")
"""The measures in the table, of all that `--json` has."""

BLOCK_MEASURES = ("B3-F", "ARI", "EM-F")
"""Those of each block of time."""


def measure_tables(evaluation: Evaluation) -> list["Table"]:
    """Tables of the mean over streams and of all streams pooled (one table if there is only one stream), then the same
    for blocks of time if they were judged.
    """
    if evaluation.prequential is None:
        return _tables(evaluation, "")
    later = evaluation.prequential
    return [*_tables(evaluation, ""), *_tables(later, "Each block by itself: "), _block_table(later)]


def summary_sentences(evaluation: Evaluation) -> Iterator[str]:
    """Sentences on each model's calibration and blocking recall."""
    for one in (*evaluation.rated, *(evaluation.prequential.rated if evaluation.prequential else ())):
        if one.confidence is not None:
            yield f"{result_label(one)}: {calibration_sentence(one.confidence)}"
        if one.blocking is not None:
            yield f"{result_label(one)}: {blocking_sentence(one.blocking)}"
        if one.choices is not None:
            yield f"{result_label(one)}: {outcomes_sentence(one.choices)}"


def _tables(evaluation: Evaluation, title_prefix: str) -> list["Table"]:
    said = (
        f"{title_prefix}{counted(evaluation.events, 'judged event')}, {counted(evaluation.true_groups, 'true group')}, "
        f"{counted(evaluation.streams, 'stream')}"
    )
    pooled = _table(f"{said}: pooled", evaluation, {one.name: one.measured.pooled for one in evaluation.rated})
    if evaluation.streams == 1:
        return [pooled]
    return [
        _table(f"{said}: mean over streams", evaluation, {one.name: one.measured.mean for one in evaluation.rated}),
        pooled,
    ]


def _table(title: str, evaluation: Evaluation, intervals_by_name: Mapping[str, Mapping[str, Interval]]) -> "Table":
    from rich.text import Text

    shown = _empty_table(
        title,
        f"Percent; below, where 95 of 100 draws of streams lie. Simple rules have their values by {evaluation.by}, "
        "an oracle for each stream by its true groups.",
    )
    shown.add_column("groups", justify="right", no_wrap=True)
    for name in TABLE_MEASURES:
        shown.add_column(name, justify="right", no_wrap=True)
    for one in evaluation.rated:
        cells = [
            Text.assemble(f"{at.value:.1f}\n", (interval_text(at), "dim"))
            for at in (intervals_by_name[one.name][name] for name in TABLE_MEASURES)
        ]
        shown.add_row(Text(result_label(one)), f"{one.groups:,}", *cells, style=_row_style(one))
    return shown


def _block_table(evaluation: Evaluation) -> "Table":
    """The measures by block of time: they should improve as the model sees more."""
    from rich.text import Text

    shown = _empty_table("Block by block: mean over streams", f"Percent, {' / '.join(BLOCK_MEASURES)}.")
    for block in evaluation.rated[0].blocks:
        shown.add_column(f"block {block.number}", justify="right", no_wrap=True)
    for one in evaluation.rated:
        cells = [" / ".join(f"{block.mean[name]:.1f}" for name in BLOCK_MEASURES) for block in one.blocks]
        shown.add_row(Text(result_label(one)), *cells, style=_row_style(one))
    return shown


def _empty_table(title: str, caption: str) -> "Table":
    from rich import box
    from rich.table import Table

    shown = Table(
        title=title,
        title_justify="left",
        caption=caption,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    shown.add_column("")
    return shown


def _row_style(result: GroupingResult) -> str | None:
    return None if result.kind == "peer" else "bold"


def result_label(result: GroupingResult) -> str:
    """A row's name, with its tuned parameters."""
    return f"{result.name} ({result.chosen})" if result.chosen else result.name


def interval_text(interval: Interval) -> str:
    """The bootstrap interval of a measure, such as 76–85; empty with a single stream, which leaves nothing to draw."""
    return "" if interval.low is None else f"{interval.low:.0f}–{interval.high:.0f}"


def calibration_sentence(calibration: Calibration) -> str:
    """One or two sentences on how reliable a model's confidences are."""
    surer = "there aren't both right and wrong ones"
    if calibration.auroc is not None:
        surer = f"a right group is surer than a wrong one {_percent(calibration.auroc)} of the time (AUROC)"
    if calibration.precision is None:
        shown = "None is shown"
    else:
        shown = (
            f"{_percent(calibration.coverage)} are shown (with {_percent(calibration.coverage_events)} of the events), "
            f"of which {_percent(calibration.precision)} are right"
        )
    return (
        f"{_percent(calibration.right)} of {counted(calibration.groups, 'group')} are right; confidences are off by "
        f"{_percent(calibration.error)} (calibration error); {surer}. {shown}."
    )


def blocking_sentence(blocking: BlockingRecall) -> str:
    """A sentence on the share of true pairs that blocking keeps."""
    compared = f"Blocking compares an event with {blocking.compared:.1f} earlier ones on average"
    if blocking.recall is None:
        return f"{compared}; there are no true pairs to be found."
    return (
        f"{compared}: with one of its own group {blocking.recall_any:.1f}% of those that have one, "
        f"{blocking.recall_next:.1f}% with the one just before it there, and all in all {blocking.recall:.1f}% of "
        f"{counted(blocking.pairs, 'true pair')}."
    )


def outcomes_sentence(choices: AssignmentOutcomes) -> str:
    """A sentence on how events were assigned when they arrived."""
    of = {name: getattr(choices, name) for name in AssignmentOutcomes.__struct_fields__}
    share = {name: f"{100 * count / max(sum(of.values()), 1):.1f}%" for name, count in of.items()}
    return (
        f"Of {counted(sum(of.values()), 'event')}, each when its turn came, {share['began']} rightly began a group and "
        f"{share['joined']} joined their own; {share['mixed_in']} should have begun one and joined another, "
        f"{share['split_off']} began one and should have joined their own, {share['astray']} joined another than their "
        f"own, and {share['unseen']} were compared with none of their own."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def mistake_lines(report: MistakesReport) -> Iterator[str]:
    """The mistakes report as lines of text."""
    for title, all_, is_merge in (
        ("put together, and belong apart", report.merges, True),
        ("taken apart, and belong together", report.splits, False),
    ):
        if all_:
            yield f"\n{report.name}: {title}"
        for number, one in enumerate(all_, start=1):
            pairs = counted(one.wrong_pairs, "wrong pair" if is_merge else "missed pair")
            ours = f"a group of {one.events} judged events [{one.claim}], truly:"
            true = f"{one.name}, a true group of {one.events} events, of which we made:"
            yield f"{number:3}. {one.stream}, {pairs}: {ours if is_merge else true}"
            for piece in one.pieces:
                yield from _piece_lines(piece)
            if one.more:
                yield f"     - and {one.more} more"


def _piece_lines(piece: PieceView) -> Iterator[str]:
    titles = " · ".join([*piece.titles, *([f"{piece.more} more"] if piece.more else [])])
    ids = ", ".join([*piece.ids, *(["…"] if piece.events > len(piece.ids) else [])])
    claim = f" [{piece.claim}]" if piece.claim else ""
    name = f"{piece.name}, " if piece.name else ""
    yield f"     - {name}{counted(piece.events, 'event')} ({ids}): {titles}{claim}"
    if piece.cause is not None:
        for line in cause_sentences(piece.cause):
            yield f"         {line}"
