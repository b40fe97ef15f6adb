"""Which embedding of texts is worth its price: quality, microseconds a text, megabytes, and whether batches matter.

    python -m benchmarks.embeddings                           generated weeks; writes results/embeddings.json
    python -m benchmarks.embeddings labelled.jsonl            any labelled events; writes nothing but the table
    python -m benchmarks.embeddings --packaged                those of packages too (see benchmarks/packaged.py)

Quality is of streams that a model has seen nothing of: how well likeness alone tells pairs of one group from others,
among the candidates (AUROC), and what groups come out of trees that were learned with it.
"""

import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from unittest.mock import patch

import msgspec
import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.table import Table
from scipy.stats import rankdata

from benchmarks.packaged import PACKAGED, Embed, megabytes
from benchmarks.run import RESULTS
from benchmarks.shipping import generated_week
from connectors.sources.event import Notes
from processors.evaluation.comparison import Case, case_sums, grouping_of
from processors.evaluation.measures import MEASURES, measures
from processors.grouping.batch import group_all
from processors.grouping.describe import description
from processors.grouping.describe.embedding import Vectors, Weigh, embed
from processors.grouping.features.pair_features import FEATURES, MISSING
from processors.grouping.model.grouping_model import Domain, Embedding, Model
from processors.training.boosting import Settings, TrainingData, similarity_of
from processors.training.examples import Examples, examples, joined
from processors.training.labelled_streams import Labelled, deal_folds
from processors.training.model_training import with_words
from processors.training.tree_training import LEAST_LISTS
from streams.files.labelled_events import labelled_files, read_cases
from streams.shared.model_store import shipped_model

FIRST_SEED, WEEKS = 930_000, 3
"""Generated firms that neither the shipped model nor a test has."""

GROWN = Settings(leaves=4, levels=2, rate=0.2, rounds=150)
TIMED = 1_000
"""Texts whose embedding is timed."""

BATCHES = (1, 7)
"""Sizes of batches in which each text must get the bytes that it gets among all."""


class Worth(msgspec.Struct, frozen=True):
    """One embedding's figures. `loss` is in nats a list, less is better; `auroc`, `b3_f` and `em_f` are percent, means
    over streams. `other_bytes` is the share of texts whose vector hangs on the batch; `megabytes` what packages take.
    """

    name: str
    licence: str
    auroc: float
    loss: float
    b3_f: float
    em_f: float
    us_a_text: float
    megabytes: float
    other_bytes: float


class Results(msgspec.Struct, frozen=True):
    """What a run measured, and on what."""

    at: str
    machine: str
    data: str
    streams: int
    activities: int
    texts: int
    embeddings: list[Worth]


class Entrant(msgspec.Struct, frozen=True):
    """One way to embed."""

    name: str
    licence: str
    megabytes: float
    load: Callable[[], Embed]


def main(
    events: Annotated[list[Path] | None, typer.Argument(help="Labelled events; generated weeks without.")] = None,
    packaged: Annotated[bool, typer.Option(help="Also those that come in packages.")] = False,
) -> None:
    """Measures, prints a table, and writes the JSON of generated weeks."""
    streams = _labelled(events) if events else [one for n in range(WEEKS) for one in generated_week(FIRST_SEED + n)]
    folds = list(_folds(streams, shipped_model(), counted=bool(events)))
    heard: dict[str, Weigh] = {}
    found = [_worth(one, folds, heard) for one in _entrants(packaged)]
    results = Results(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        data="labelled events" if events else f"{WEEKS} generated weeks",
        streams=len(streams),
        activities=sum(len(one.activities) for one in streams),
        texts=len(heard),
        embeddings=found,
    )
    if not events:
        (RESULTS / "embeddings.json").write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    _print(results)


def _entrants(packaged: bool) -> list[Entrant]:
    def ours(how: Embedding) -> Embed:
        return lambda texts, weigh: embed(texts, how, weigh)

    own = [Entrant(how.value, "no weights", 0.0, lambda how=how: ours(how)) for how in Embedding]  # type: ignore[misc]
    return own + [Entrant(one.name, one.licence, megabytes(one.needs), one.load) for one in PACKAGED if packaged]


def _labelled(events: Sequence[Path]) -> list[Labelled]:
    notes = Notes()
    cases = read_cases(labelled_files(events, notes), notes, skip_system=False)
    return [Labelled(one.stream, one.activities, one.gold) for one in cases]


Fold = tuple[list[Labelled], Model]


def _folds(streams: Sequence[Labelled], base: Model, counted: bool) -> Iterator[Fold]:
    """Parts of the streams, each with a model that has the words of the others; a generator's words aren't counted."""
    for part in filter(None, deal_folds(streams)):
        others = [one for one in streams if one not in part] if counted else []
        yield part, msgspec.structs.replace(with_words(base, others), version="tried")


def _worth(entrant: Entrant, folds: Sequence[Fold], heard: dict[str, Weigh]) -> Worth:
    how = entrant.load()

    def listening(texts: Sequence[str], _: Embedding, weigh: Weigh) -> Vectors:
        heard.update(dict.fromkeys(texts, weigh))
        return how(texts, weigh)

    # A package's embedding is nothing that a model may name, so it takes the place of ours.
    with patch.object(description, "embed", listening):
        lists = [
            [[examples(one.activities, one.gold, model, regime) for regime in Domain] for one in part]
            for part, model in folds
        ]
        learned, losses = _learned(folds, lists)
        judged = [_judged(one, model) for (part, _), model in zip(folds, learned, strict=True) for one in part]
    mean = dict(zip(MEASURES, np.mean(judged, axis=0).tolist(), strict=True))
    us, other = _timed(entrant.load, heard)
    print(f"{entrant.name} is done", flush=True)
    return Worth(
        name=entrant.name,
        licence=entrant.licence,
        auroc=round(float(np.nanmean([_auroc(one) for part in lists for one in part])), 2),
        loss=round(float(np.mean(losses)), 4),
        b3_f=round(mean["B3-F"], 2),
        em_f=round(mean["EM-F"], 2),
        us_a_text=round(us, 1),
        megabytes=round(entrant.megabytes, 1),
        other_bytes=round(other, 4),
    )


def _judged(one: Labelled, model: Model) -> npt.NDArray[np.float64]:
    groups = group_all(one.activities, model=model)
    return measures(case_sums(Case(one.name, tuple(one.activities), one.gold), grouping_of(groups)))


Lists = Sequence[Sequence[Sequence[Examples]]]
"""By fold, stream and regime."""


def _learned(folds: Sequence[Fold], lists: Lists) -> tuple[list[Model], list[float]]:
    """Each fold's model with trees that were learned on the others, and what lists of folds lose by those."""
    models, losses = [model for _, model in folds], []
    for number, regime in enumerate(Domain):
        parts = [joined([stream[number] for stream in part]) for part in lists]
        of = np.repeat(np.arange(len(parts)), [len(one.counts) for one in parts])
        if len(of) < LEAST_LISTS:
            continue
        ground = TrainingData(joined(parts), np.ones(len(of)))
        for at in range(len(folds)):
            booster = ground.grow(of != at, GROWN).more(GROWN.rounds).booster
            grown = {**models[at].similarity, regime: similarity_of(booster, GROWN.rounds)}
            models[at] = msgspec.structs.replace(models[at], similarity=grown)
            if (of == at).any():
                losses += ground.losses(booster, of == at, GROWN.rounds)
    return models, losses


def _auroc(stream: Sequence[Examples]) -> float:
    """In percent: how often a pair of one group is more alike than one of two; not a number where all are of a kind."""
    alike, same = (np.concatenate(both) for both in zip(*(_pairs(one) for one in stream), strict=True))
    most = int(same.sum()) * int((~same).sum())
    if not most:
        return float("nan")
    return float(100 * (rankdata(alike)[same].sum() - same.sum() * (same.sum() + 1) / 2) / most)


def _pairs(those: Examples) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    pairs = those.earlier >= 0
    alike = those.rows[pairs, FEATURES.index("likeness")].astype(np.int64)
    return np.where(alike == MISSING, -2_000, alike), those.right[pairs]


def _timed(load: Callable[[], Embed], heard: dict[str, Weigh]) -> tuple[float, float]:
    """Microseconds of processor a text, the median of three runs; and the share of texts whose bytes batches alter."""
    texts = sorted(heard)[:: max(1, len(heard) // TIMED)][:TIMED]
    weigh, took = heard[texts[0]], []
    for _ in range(3):
        how = load()  # which knows no text yet
        began = time.process_time()
        whole = how(texts, weigh)
        took.append((time.process_time() - began) / len(texts) * 1e6)
    some = texts[: len(texts) // 4]
    same = np.ones(len(some), dtype=np.bool_)
    for size in BATCHES:
        how = load()
        parts = [how(some[at : at + size], weigh) for at in range(0, len(some), size)]
        same &= (np.concatenate(parts) == whole[: len(some)]).all(axis=1)
    return float(np.median(took)), float(1 - same.mean())


def _print(results: Results) -> None:
    columns = ("embedding", "AUROC", "loss", "B3-F", "EM-F", "us a text", "MB", "altered by batches", "licence")
    table = Table(*columns, title=f"{results.data}: {results.streams} streams, {results.activities:,} activities")
    for one in results.embeddings:
        figures = (one.auroc, one.loss, one.b3_f, one.em_f, one.us_a_text, one.megabytes, f"{one.other_bytes:.1%}")
        table.add_row(one.name, *map(str, figures), one.licence)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
