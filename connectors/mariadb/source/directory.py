"""Finds firms, timekeepers, clients, matters and cadences by their names, and creates those that are absent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects.mysql import insert

from connectors.mariadb.tables.column_types import Base
from connectors.mariadb.tables.source_tables import Cadence, Client, Firm, Matter, Timekeeper
from schemas.billing import Client as ClientValue
from schemas.billing import Directory
from schemas.billing import Matter as MatterValue
from schemas.keys import Scope

LOCAL_FIRM = "local"
LOCAL_TIMEKEEPER = "me"


class TimekeeperProfile(msgspec.Struct, frozen=True):
    """A timekeeper's row, with the name of the firm."""

    scope: Scope
    firm: str
    email: str
    name: str
    zone: str


def list_timekeepers(connection: Connection) -> list[TimekeeperProfile]:
    """Returns every timekeeper of every firm, sorted by scope."""
    query = (
        select(Timekeeper.firm_id, Timekeeper.id, Firm.name, Timekeeper.email, Timekeeper.name, Timekeeper.zone)
        .join(Firm, Firm.id == Timekeeper.firm_id)
        .order_by(Timekeeper.firm_id, Timekeeper.id)
    )
    return [TimekeeperProfile(Scope(firm_id, id_), *rest) for firm_id, id_, *rest in connection.execute(query)]


def ensure_timekeeper(
    connection: Connection, email: str = LOCAL_TIMEKEEPER, firm: str = LOCAL_FIRM, *, name: str = "", zone: str = "UTC"
) -> Scope:
    """Returns the scope of the timekeeper with this address in this firm; creates timekeeper and firm where absent.

    `name` and `zone` are for a new timekeeper; an empty name becomes the address.
    """
    firm_id = ensure_firm(connection, firm)
    row = {"firm_id": firm_id, "email": email, "name": name or email, "zone": zone}
    return Scope(firm_id, _ensure(connection, Timekeeper, ("firm_id", "email"), row))


def ensure_firm(connection: Connection, name: str) -> int:
    """Returns the firm's id; creates the firm where absent."""
    return _ensure(connection, Firm, ("name",), {"name": name})


def ensure_client(connection: Connection, firm_id: int, name: str, domains: Sequence[str] = ()) -> int:
    """Returns the client's id; creates the client where absent, with these domains."""
    return _ensure(connection, Client, ("firm_id", "name"), {"firm_id": firm_id, "name": name, "domains": domains})


def ensure_matter(
    connection: Connection,
    firm_id: int,
    client_id: int,
    number: str,
    *,
    name: str,
    aliases: Sequence[str] = (),
    billable: bool = True,
) -> int:
    """Returns the id of the matter with this number; creates it where absent, with all other arguments."""
    row = {
        "firm_id": firm_id,
        "client_id": client_id,
        "number": number,
        "name": name,
        "aliases": aliases,
        "billable": billable,
    }
    return _ensure(connection, Matter, ("firm_id", "number"), row)


def ensure_cadence(connection: Connection, scope: Scope, rrule: str, dtstart: datetime, zone: str, cutoff: int) -> None:
    """Inserts this cadence where the timekeeper has none. `dtstart` is wall time in `zone`, `cutoff` is minutes."""
    if not has_cadence(connection, scope):
        row = {"firm_id": scope.firm, "timekeeper_id": scope.timekeeper, "rrule": rrule, "dtstart": dtstart}
        connection.execute(insert(Cadence).values(row | {"zone": zone, "cutoff_minutes": cutoff}))


def has_cadence(connection: Connection, scope: Scope) -> bool:
    """Returns whether the timekeeper has a cadence, without which no period closes."""
    of = Cadence.__table__.c
    query = select(of.id).where(of.firm_id == scope.firm, of.timekeeper_id == scope.timekeeper).limit(1)
    return connection.scalar(query) is not None


def _ensure(connection: Connection, table: type[Base], names: tuple[str, ...], row: dict[str, Any]) -> int:
    of = table.__table__.c
    find = select(of.id).where(*(of[name] == row[name] for name in names))
    found = connection.scalar(find)
    if found is None:
        # Another process may insert the row in between. Then this insert changes nothing, and the query reads that row.
        first = of[names[0]]
        connection.execute(insert(table).values(row).on_duplicate_key_update({first.name: first}))
        found = connection.scalar(find)
    assert found is not None
    return int(found)


def read_directory(connection: Connection, firm: int) -> Directory:
    """Reads all clients and matters of the firm, sorted by id."""
    clients = select(Client.id, Client.name, Client.domains).where(Client.firm_id == firm)
    matters = select(Matter.id, Matter.client_id, Matter.number, Matter.name, Matter.aliases, Matter.billable).where(
        Matter.firm_id == firm
    )
    return Directory(
        clients=tuple(ClientValue(*row) for row in connection.execute(clients.order_by(Client.id))),
        matters=tuple(MatterValue(*row) for row in connection.execute(matters.order_by(Matter.id))),
    )
