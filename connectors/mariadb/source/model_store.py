"""Firms' grouping models: bytes that are put on the shelf once and never change, and whom each version groups."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from connectors.mariadb.tables.source_tables import Activation, GroupingModel
from schemas.keys import Scope


class StoredModel(msgspec.Struct, frozen=True):
    """A firm's model: its version, how many bytes it has, and since when it is there (microseconds since 1970)."""

    version: str
    size: int
    created_at: int


def add_model(connection: Connection, firm: int, version: str, raw: bytes) -> bool:
    """Puts a model on a firm's shelf; False where it is there already. The caller commits."""
    if read_model(connection, firm, version) is not None:
        return False
    connection.execute(insert(GroupingModel).values(firm_id=firm, version=version, bytes=raw))
    return True


def read_model(connection: Connection, firm: int, version: str) -> bytes | None:
    """The bytes of a firm's version; None where it has none such."""
    of = (GroupingModel.firm_id == firm, GroupingModel.version == version)
    return connection.execute(select(GroupingModel.bytes).where(*of)).scalar()


def list_models(connection: Connection, firm: int) -> list[StoredModel]:
    """What is on a firm's shelf, the oldest first."""
    columns = (GroupingModel.version, func.octet_length(GroupingModel.bytes), GroupingModel.created_at)
    query = select(*columns).where(GroupingModel.firm_id == firm)
    found = connection.execute(query.order_by(GroupingModel.created_at, GroupingModel.version))
    return [StoredModel(version, size, created_at) for version, size, created_at in found]


def read_activations(connection: Connection, firm: int) -> Mapping[Scope, Sequence[str]]:
    """The versions that were activated for a firm's timekeepers, the one that holds last. Who has none isn't in."""
    columns = (Activation.timekeeper_id, Activation.model_version)
    query = select(*columns).where(Activation.firm_id == firm).order_by(Activation.id)
    found: dict[Scope, list[str]] = {}
    for timekeeper, version in connection.execute(query):
        found.setdefault(Scope(firm, timekeeper), []).append(version)
    return found


def activate_model(connection: Connection, scopes: Iterable[Scope], version: str) -> None:
    """From here on these timekeepers are grouped by that version. The caller commits."""
    rows = [{"firm_id": one.firm, "timekeeper_id": one.timekeeper, "model_version": version} for one in scopes]
    if rows:
        connection.execute(insert(Activation), rows)


def revert_activations(connection: Connection, scopes: Iterable[Scope]) -> None:
    """Takes back the activation that holds for each of these, so that the one before it does. The caller commits."""
    for one in scopes:
        of = (Activation.firm_id == one.firm, Activation.timekeeper_id == one.timekeeper)
        latest = connection.execute(select(func.max(Activation.id)).where(*of)).scalar()
        if latest is not None:
            connection.execute(delete(Activation).where(*of, Activation.id == latest))
