"""What the generator yields: a firm with its people, clients and matters, and the writes of their week in order."""

from enum import StrEnum

import msgspec

from schemas.values import Kind, Words

SIMULATION_SOURCE = "simulate"
"""`activity.source` of every generated row."""

FIRM_NAME = "Generated & Sons (simulated)"


class Client(msgspec.Struct, frozen=True):
    """For whom they work. The domain ends in `.test`, which no real mail address can."""

    name: str
    domain: str


class Matter(msgspec.Struct, frozen=True):
    """What time is billed to; `client` is the client's name."""

    number: str
    name: str
    client: str
    aliases: tuple[str, ...]
    billable: bool = True


class Person(msgspec.Struct, frozen=True):
    """A timekeeper of the generated firm."""

    email: str
    name: str
    zone: str
    profession: str


class Firm(msgspec.Struct, frozen=True):
    """Everybody and everything that the week's rows speak of."""

    name: str
    people: tuple[Person, ...]
    clients: tuple[Client, ...]
    matters: tuple[Matter, ...]


class SimulatedRow(msgspec.Struct, frozen=True):
    """An activity as a collector would write it. `matter` is a number, set only for the dialled share of rows."""

    source_id: str
    kind: Kind
    app: str
    started_at: int
    ended_at: int | None
    zone: str
    words: Words
    matter: str | None = None


class WriteOperation(StrEnum):
    """What a write does to its row."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


class RowWrite(msgspec.Struct, frozen=True):
    """One change of one row at the simulated instant `at`; of a delete only the row's `source_id` counts."""

    at: int
    email: str
    operation: WriteOperation
    row: SimulatedRow


class GroundTruth(msgspec.Struct, frozen=True):
    """What a row is really about: the piece of work, None for noise. Goes to a side file, never into a row."""

    email: str
    row: SimulatedRow
    piece: str | None
    matter: str | None


class SimulatedWeek(msgspec.Struct, frozen=True):
    """The whole simulation: writes in the order of their time, and the truth of each row that is live at the end."""

    firm: Firm
    writes: tuple[RowWrite, ...]
    truths: tuple[GroundTruth, ...]
