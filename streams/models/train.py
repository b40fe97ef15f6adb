"""`train`: learns a grouping model from events whose true groups are known.

    read ──▶ learn (`processors.training.model_training`) ──▶ a file, for `preview --model` and `evaluate --model`

No stack, no database. The file has weights and words as JSON; nothing in it is ever run.
"""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from connectors.sources.event import Notes
from schemas.errors import ConfigurationError
from streams.files.source_options import counted


def train(
    events: Annotated[
        list[Path],
        typer.Argument(metavar="EVENTS...", readable=False, help="Files or folders of event lines with true groups."),
    ],
    out: Annotated[Path, typer.Option(metavar="MODEL", help="The file to write the model to.")],
    name: Annotated[str, typer.Option(help="The first part of its version.")] = "trained",
    base: Annotated[
        Path | None,
        typer.Option(help="The model to start from: whatever is not learned is taken from it.", show_default="shipped"),
    ] = None,
    embedding: Annotated[
        str | None,
        typer.Option(help="How texts become vectors: ngrams or tfidf.", show_default="the base's"),
    ] = None,
) -> None:
    """Learn a grouping model from events whose true groups are known. Needs no servers.

    Example: ./timeloom train labelled.jsonl --out mine.json

    Exit: 0 written; 1 the base model can't be used; 2 EVENTS can't be read, or have no true groups, or the machine
    lacks a library.
    """
    if not out.resolve().parent.is_dir():
        raise ConfigurationError(f"--out {out}: there is no folder {out.parent}. Make it, or name another file.")
    if out.is_dir():
        raise ConfigurationError(f"--out {out} is a folder. Name a file in it, such as {out / 'model.json'}.")
    notes = Notes()
    from streams.files.labelled_events import labelled_files, read_cases

    cases = read_cases(labelled_files(events, notes), notes, skip_system=False)
    check_openmp()
    from processors.grouping.model.grouping_model import Embedding, encode_model, load_model
    from processors.training.labelled_streams import Labelled
    from processors.training.model_training import learn
    from streams.shared.model_store import read_model_file, shipped_model
    from streams.shared.terminal import TerminalProgress

    if embedding not in {None, *Embedding}:
        raise ConfigurationError(
            f"--embedding {embedding}: there is no such embedding; give one of {', '.join(Embedding)}"
        )
    streams = [Labelled(case.stream, case.activities, case.gold) for case in cases]
    with TerminalProgress() as screen, screen.step("learned"):
        start = read_model_file(base) if base else shipped_model()
        how = Embedding(embedding or start.embedding)
        learned = learn(msgspec.structs.replace(start, embedding=how), streams, name, screen.say)
    known = sum(len(case.gold) for case in cases)
    taught = f"{counted(known, 'event')} of {counted(len(cases), 'stream')}"
    raw = encode_model(
        msgspec.structs.replace(learned, about=f"Learned by `train` from {taught}, over {start.version}.")
    )
    out.write_bytes(raw)
    for regime, trees in start.similarity.items():
        if how != start.embedding and learned.similarity[regime] is trees:
            notes.add(
                f"too little of {regime} to learn from: its trees are the base's, made with {start.embedding}", name
            )
    for note in notes.lines():
        typer.echo(f"Note: {note}", err=True)
    typer.echo(
        f"Wrote {out}: {load_model(raw).version}, from {taught}. "
        f"Judge it by others: ./timeloom evaluate OTHERS --model {out}"
    )


def check_openmp() -> None:
    """LightGBM needs a system library that most machines have. Raises ConfigurationError if it is missing."""
    try:
        import lightgbm  # noqa: F401
    except OSError as error:
        raise ConfigurationError(
            f"training needs OpenMP's library, which isn't here ({error}): install libgomp1"
        ) from error
