"""Writes activities in the event form: for exports and for the true groups of a simulation. `event_lines` reads it."""

import msgspec

from connectors.sources.instants import iso
from schemas.values import Activation, Activity, Apart, Feedback, Release, Together


class Labels(msgspec.Struct, frozen=True):
    """The true labels of an activity, for evaluation. No reader takes them as input."""

    group: str | None = None
    client: str | None = None
    matter: str | None = None


NO_LABELS = Labels()


class _Line(msgspec.Struct, kw_only=True, omit_defaults=True):
    stream: str
    id: str
    at: str
    zone: str
    kind: str
    until: str | None = None
    app: str = ""
    title: str = ""
    text: str = ""
    url: str = ""
    actor: str = ""
    people: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    matter_id: int | None = None
    billable: bool | None = None
    excluded: bool = False
    source_id: str = ""
    group: str | None = None
    client: str | None = None
    matter: str | None = None


class _Remark(msgspec.Struct, kw_only=True, omit_defaults=True):
    stream: str
    id: str
    kind: str
    together: tuple[int, ...] = ()
    apart: tuple[tuple[int, ...], ...] = ()
    activities: tuple[int, ...] = ()
    seen: str = ""
    model: str = ""


_encoder = msgspec.json.Encoder()


def event_line(
    stream: str, activity: Activity, labels: Labels = NO_LABELS, *, id: str = "", source_id: str = ""
) -> bytes:
    """The activity as a line of the event form, newline included; `id` instead of its own where that isn't known."""
    words = activity.words
    line = _Line(
        stream=stream,
        id=id or str(activity.id),
        at=iso(activity.started_at),
        until=None if activity.ended_at is None else iso(activity.ended_at),
        zone=activity.zone,
        kind=activity.kind.value,
        app=activity.app,
        title=words.title,
        text=words.text,
        url=words.url,
        actor=words.actor,
        people=words.people,
        files=words.files,
        matter_id=activity.matter,
        billable=activity.billable,
        excluded=activity.excluded,
        source_id=source_id,
        group=labels.group,
        client=labels.client,
        matter=labels.matter,
    )
    return _encoder.encode(line) + b"\n"


def remark_line(stream: str, said: Feedback | Release | Activation) -> bytes:
    """Feedback, a release or a model's activation as a line, newline included.

    Its id's number keeps the order in which things were said.
    """
    if isinstance(said, Release):
        line = _Remark(
            stream=stream, id=f"release-{said.id}", kind="release", activities=said.activities, seen=said.seen
        )
    elif isinstance(said, Activation):
        line = _Remark(stream=stream, id=f"activation-{said.id}", kind="activation", model=said.model)
    elif isinstance(said, Together):
        line = _Remark(stream=stream, id=f"feedback-{said.id}", kind="feedback", together=said.ids)
    else:
        assert isinstance(said, Apart)
        line = _Remark(stream=stream, id=f"feedback-{said.id}", kind="feedback", apart=(said.left, said.right))
    return _encoder.encode(line) + b"\n"
