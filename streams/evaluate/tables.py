"""What `evaluate` says on a terminal: tables of measures, sentences on each model, and its mistakes."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from processors.evaluation.blocking_recall import Blocking
from processors.evaluation.bootstrap import Interval
from processors.evaluation.calibration import Worth
from processors.evaluation.choices import Choices
from streams.evaluate.evaluation_run import Evaluation, Rated
from streams.evaluate.mistakes_report import Mistaken, PieceShown, lines_of
from streams.files.source_options import counted

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = ("B3-F", "ARI", "EM-F", "PW-F", "1-VI", "1-1")
"""The measures in the table, of all that `--json` has."""

BY_BLOCK = ("B3-F", "ARI", "EM-F")
"""Those of each block of time."""


def tables(found: Evaluation) -> list["Table"]:
    """The mean over streams, and all streams pooled, which is the same where there is one stream only; then the same of
    blocks of time, if they were judged.
    """
    if found.prequential is None:
        return _tables(found, "")
    later = found.prequential
    return [*_tables(found, ""), *_tables(later, "Each block by itself: "), _by_block(later)]


def sentences(found: Evaluation) -> Iterator[str]:
    """What each model's confidences are worth, and what its blocking leaves to be found."""
    for one in (*found.rated, *(found.prequential.rated if found.prequential else ())):
        if one.confidence is not None:
            yield f"{label(one)}: {said_of(one.confidence)}"
        if one.blocking is not None:
            yield f"{label(one)}: {found_by(one.blocking)}"
        if one.choices is not None:
            yield f"{label(one)}: {chosen_by(one.choices)}"


def _tables(found: Evaluation, which: str) -> list["Table"]:
    said = (
        f"{which}{counted(found.events, 'judged event')}, {counted(found.true_groups, 'true group')}, "
        f"{counted(found.streams, 'stream')}"
    )
    pooled = _table(f"{said}: pooled", found, {one.name: one.measured.pooled for one in found.rated})
    if found.streams == 1:
        return [pooled]
    return [_table(f"{said}: mean over streams", found, {one.name: one.measured.mean for one in found.rated}), pooled]


def _table(title: str, found: Evaluation, of: Mapping[str, Mapping[str, Interval]]) -> "Table":
    from rich.text import Text

    shown = _paper(
        title,
        f"Percent; below, where 95 of 100 draws of streams lie. Simple rules have their values by {found.by}, "
        "an oracle for each stream by its true groups.",
    )
    shown.add_column("groups", justify="right", no_wrap=True)
    for name in SHOWN:
        shown.add_column(name, justify="right", no_wrap=True)
    for one in found.rated:
        cells = [
            Text.assemble(f"{at.value:.1f}\n", (between(at), "dim")) for at in (of[one.name][name] for name in SHOWN)
        ]
        shown.add_row(Text(label(one)), f"{one.groups:,}", *cells, style=_style(one))
    return shown


def _by_block(found: Evaluation) -> "Table":
    """Does it improve as it learns?"""
    from rich.text import Text

    shown = _paper("Block by block: mean over streams", f"Percent, {' / '.join(BY_BLOCK)}.")
    for block in found.rated[0].blocks:
        shown.add_column(f"block {block.number}", justify="right", no_wrap=True)
    for one in found.rated:
        cells = [" / ".join(f"{block.mean[name]:.1f}" for name in BY_BLOCK) for block in one.blocks]
        shown.add_row(Text(label(one)), *cells, style=_style(one))
    return shown


def _paper(title: str, caption: str) -> "Table":
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


def _style(one: Rated) -> str | None:
    return None if one.kind == "peer" else "bold"


def label(one: Rated) -> str:
    """A row's name, with the values that were chosen for it."""
    return f"{one.name} ({one.chosen})" if one.chosen else one.name


def between(one: Interval) -> str:
    """Where a measure lies: 76–85; nothing where one stream leaves nothing to draw."""
    return "" if one.low is None else f"{one.low:.0f}–{one.high:.0f}"


def said_of(worth: Worth) -> str:
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


def found_by(blocking: Blocking) -> str:
    """What blocking leaves to be found, in a sentence."""
    compared = f"Blocking compares an event with {blocking.compared:.1f} earlier ones on average"
    if blocking.recall is None:
        return f"{compared}; there are no true pairs to be found."
    return (
        f"{compared}: with one of its own group {blocking.recall_any:.1f}% of those that have one, "
        f"{blocking.recall_next:.1f}% with the one just before it there, and all in all {blocking.recall:.1f}% of "
        f"{counted(blocking.pairs, 'true pair')}."
    )


def chosen_by(choices: Choices) -> str:
    """What became of events when their turn came, in a sentence."""
    of = {name: getattr(choices, name) for name in Choices.__struct_fields__}
    share = {name: f"{100 * count / max(sum(of.values()), 1):.1f}%" for name, count in of.items()}
    return (
        f"Of {counted(sum(of.values()), 'event')}, each when its turn came, {share['began']} rightly began a group and "
        f"{share['joined']} joined their own; {share['mixed_in']} should have begun one and joined another, "
        f"{share['split_off']} began one and should have joined their own, {share['astray']} joined another than their "
        f"own, and {share['unseen']} were compared with none of their own."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def told(mistaken: Mistaken) -> Iterator[str]:
    """The mistakes as lines of a text."""
    for title, all_, is_merge in (
        ("put together, and belong apart", mistaken.merges, True),
        ("taken apart, and belong together", mistaken.splits, False),
    ):
        if all_:
            yield f"\n{mistaken.name}: {title}"
        for number, one in enumerate(all_, start=1):
            pairs = counted(one.wrong_pairs, "wrong pair" if is_merge else "missed pair")
            ours = f"a group of {one.events} judged events [{one.claim}], truly:"
            true = f"{one.name}, a true group of {one.events} events, of which we made:"
            yield f"{number:3}. {one.stream}, {pairs}: {ours if is_merge else true}"
            for piece in one.pieces:
                yield from _lines(piece)
            if one.more:
                yield f"     - and {one.more} more"


def _lines(piece: PieceShown) -> Iterator[str]:
    titles = " · ".join([*piece.titles, *([f"{piece.more} more"] if piece.more else [])])
    ids = ", ".join([*piece.ids, *(["…"] if piece.events > len(piece.ids) else [])])
    claim = f" [{piece.claim}]" if piece.claim else ""
    name = f"{piece.name}, " if piece.name else ""
    yield f"     - {name}{counted(piece.events, 'event')} ({ids}): {titles}{claim}"
    if piece.cause is not None:
        for line in lines_of(piece.cause):
            yield f"         {line}"
