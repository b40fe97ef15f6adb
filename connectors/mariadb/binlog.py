"""MariaDB's binlog: which files there are, and where it ends now."""

import msgspec
from sqlalchemy import Engine, text


class Binlog(msgspec.Struct, frozen=True, kw_only=True):
    """The files (name, bytes), oldest first; the end of the last is where the server writes. `gtid` is lineage."""

    files: tuple[tuple[str, int], ...]
    gtid: str


def read_binlog(engine: Engine) -> Binlog:
    """The binlog now, as a user who may monitor it. Raises StackError where the server doesn't answer or refuses."""
    with engine.connect() as connection:
        files = connection.execute(text("SHOW BINARY LOGS")).all()
        gtid = connection.execute(text("SELECT @@gtid_binlog_pos")).scalar_one()
    return Binlog(files=tuple((str(row[0]), int(row[1])) for row in files), gtid=str(gtid))
