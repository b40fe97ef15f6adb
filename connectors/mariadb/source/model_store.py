"""Stores firms' grouping models, whose bytes never change, and which version each timekeeper is grouped with."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from connectors.mariadb.tables.source_tables import Activation, GroupingModel
from schemas.keys import Scope


class StoredModel(msgspec.Struct, frozen=True):
    """A stored model: its version, its size in bytes, and when it was added (microseconds since 1970)."""

    version: str
    size: int
    created_at: int


def add_model(connection: Connection, firm: int, version: str, raw: bytes) -> bool:
    """Adds a model to a firm's store; returns False where that version is stored already. The caller commits."""
    if read_model(connection, firm, version) is not None:
        return False
    connection.execute(insert(GroupingModel).values(firm_id=firm, version=version, bytes=raw))
    return True


def read_model(connection: Connection, firm: int, version: str) -> bytes | None:
    """Returns the bytes of a firm's model version; None where the firm doesn't have it."""
    wanted = (GroupingModel.firm_id == firm, GroupingModel.version == version)
    return connection.execute(select(GroupingModel.bytes).where(*wanted)).scalar()


def list_models(connection: Connection, firm: int) -> list[StoredModel]:
    """Returns the stored models of a firm, the oldest first."""
    columns = (GroupingModel.version, func.octet_length(GroupingModel.bytes), GroupingModel.created_at)
    query = select(*columns).where(GroupingModel.firm_id == firm)
    found = connection.execute(query.order_by(GroupingModel.created_at, GroupingModel.version))
    return [StoredModel(version, size, created_at) for version, size, created_at in found]


def read_activations(connection: Connection, firm: int) -> Mapping[Scope, Sequence[str]]:
    """Returns the versions that were activated for each timekeeper of a firm, the current one last.

    Timekeepers without an activation are left out.
    """
    columns = (Activation.timekeeper_id, Activation.model_version)
    query = select(*columns).where(Activation.firm_id == firm).order_by(Activation.id)
    found: dict[Scope, list[str]] = {}
    for timekeeper, version in connection.execute(query):
        found.setdefault(Scope(firm, timekeeper), []).append(version)
    return found


def activate_model(connection: Connection, scopes: Iterable[Scope], version: str) -> None:
    """Activates a version for these timekeepers: from here on it groups their activities. The caller commits."""
    rows = [{"firm_id": scope.firm, "timekeeper_id": scope.timekeeper, "model_version": version} for scope in scopes]
    if rows:
        connection.execute(insert(Activation), rows)


def revert_activations(connection: Connection, scopes: Iterable[Scope]) -> None:
    """Deletes the latest activation of each timekeeper, so that the one before it applies. The caller commits."""
    for scope in scopes:
        owned = (Activation.firm_id == scope.firm, Activation.timekeeper_id == scope.timekeeper)
        latest = connection.execute(select(func.max(Activation.id)).where(*owned)).scalar()
        if latest is not None:
            connection.execute(delete(Activation).where(*owned, Activation.id == latest))
