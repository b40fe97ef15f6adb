"""Makes the model that ships, the same bytes again: from generated weeks, and from talk whose licence allows it.

    python -m benchmarks.shipping --talk irc-train.jsonl.gz        writes processors/grouping/model/first.json

The talk is the training part of the IRC disentanglement corpus (docs/model-card.md says which); no test part of
anything is read. Generated weeks teach what windows, mails and documents of one piece of work have in common; their
words aren't counted, for they are nobody's.
"""

from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from connectors.sources.event import Notes
from processors.grouping.model.grouping_model import Model, Pruning, encode_model, load_model
from processors.simulation.dials import Dials
from processors.training.labelled_streams import Labelled
from processors.training.model_training import learn
from schemas.values import Activity
from streams.files.labelled_events import labelled_files, read_cases
from streams.settings import ROOT
from streams.shared.model_store import SHIPPED_FILE, shipped_model
from streams.simulate.command import generate_week

MODELS = ROOT / "processors" / "grouping" / "model"
MONDAY = date(2026, 3, 2)
WEEKS, FIRST_SEED = 24, 910_000
"""Generated firms of a week each, from seeds that no test and no measurement has."""

SHOWN_FROM = 20_000
"""How sure (millionths) what ships has to be of a group that is shown. A week's window titles come out exactly right in
one group of twelve; whoever sees the others can mend them, and what is held isn't billed.
"""

ABOUT = (
    f"What ships with Timeloom. Learned from {WEEKS} weeks of its own generator (seeds {FIRST_SEED} on) and, for talk, "
    "from the training part of the IRC disentanglement corpus (J. K. Kummerfeld et al., ACL 2019, doi "
    "10.18653/v1/P19-1374, CC-BY-4.0), whose words are counted. Words without weight and names of applications: by "
    "hand, English and German. See docs/model-card.md."
)


def main(
    talk: Annotated[Path, typer.Option(help="The corpus's training part, as event lines.")],
    out: Annotated[Path, typer.Option(help="Where to write the model.")] = MODELS / SHIPPED_FILE,
) -> None:
    """Learns it, writes it and prints its checksum."""
    notes = Notes()
    cases = read_cases(labelled_files([talk], notes), notes, skip_system=False)
    lines = [Labelled(case.stream, case.activities, case.gold) for case in cases]
    spoken = {one.name for one in lines}
    weeks = [one for seed in range(FIRST_SEED, FIRST_SEED + WEEKS) for one in generated_week(seed)]
    learned = learn(_base(), lines + weeks, "everybody", print, lambda one: one.name in spoken)
    shown = msgspec.structs.replace(learned.confidence, shown_from=SHOWN_FROM)
    raw = encode_model(msgspec.structs.replace(learned, about=ABOUT, confidence=shown))
    out.write_bytes(raw)
    print(f"{load_model(raw).version}: {len(raw):,} bytes, SHA-256 {sha256(raw).hexdigest()}")


PRUNING = Pruning(lone_us=30_000_000, loose=200_000, least=4)
"""By hand; whether members that were joined by little are pruned at all, is chosen."""


def _base() -> Model:
    """What isn't learned: reach, applications, and words without weight, as the model before had them."""
    return msgspec.structs.replace(shipped_model(), pruning=PRUNING)


def generated_week(seed: int, dials: Dials | None = None) -> Iterator[Labelled]:
    """Each person's week, a stream of its own; what belongs to no piece of work is there, and isn't judged."""
    truths = generate_week(dials or Dials(), MONDAY, seed).truths
    for email in sorted({truth.email for truth in truths}):
        mine = [truth for truth in truths if truth.email == email]
        rows = [(id, truth.row, truth.piece) for id, truth in enumerate(mine, 1)]
        yield Labelled(
            f"{seed}/{email}",
            [Activity(id, row.kind, row.started_at, row.ended_at, row.zone, row.words, row.app) for id, row, _ in rows],
            {id: piece for id, _, piece in rows if piece is not None},
        )


if __name__ == "__main__":
    typer.run(main)
