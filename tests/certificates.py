"""Certificates of an authority that nobody trusts, made anew for each test, in the files that the settings name."""

from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


def make_certificates(folder: Path, name: str = "127.0.0.1") -> Path:
    """Puts ca.pem, server.pem and server-key.pem, good for that name, into the folder; returns it."""
    folder.mkdir(parents=True)
    authority = trustme.CA()
    issued = authority.issue_cert(name)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    (folder / "server.pem").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    key = load_pem_private_key(issued.private_key_pem.bytes(), password=None)
    (folder / "server-key.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # Java reads no other form
    )
    return folder
