"""A firm's clients and matters, as values."""

from sqlalchemy import Connection, select

from connectors.mariadb.models import Client as ClientRow
from connectors.mariadb.models import Matter as MatterRow
from schemas.billing import Client, Directory, Matter


def read_directory(connection: Connection, firm: int) -> Directory:
    """All clients and matters of the firm, by id."""
    clients = select(ClientRow.id, ClientRow.name, ClientRow.domains).where(ClientRow.firm_id == firm)
    matters = select(
        MatterRow.id, MatterRow.client_id, MatterRow.number, MatterRow.name, MatterRow.aliases, MatterRow.billable
    ).where(MatterRow.firm_id == firm)
    return Directory(
        clients=tuple(Client(*row) for row in connection.execute(clients.order_by(ClientRow.id))),
        matters=tuple(Matter(*row) for row in connection.execute(matters.order_by(MatterRow.id))),
    )
