"""TLS and logins for Kafka, in the form of each kind of client.

Values in this code have librdkafka's form (`Cluster.security`); Java's and Python's are made from it here.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path

PLAIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM_MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule"


def java_client(security: Mapping[str, str]) -> dict[str, str]:
    """The same for a Java client: certificates are included, since its machine may be another one.

    Raises OSError if a file can't be read.
    """
    if not security:
        return {}
    client = {"security.protocol": security["security.protocol"]}
    if mechanism := security.get("sasl.mechanism"):
        client["sasl.mechanism"] = mechanism
        client["sasl.jaas.config"] = jaas(mechanism, security["sasl.username"], security["sasl.password"])
    if ca := security.get("ssl.ca.location"):
        client |= {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": _pem(ca)}
    if certificate := security.get("ssl.certificate.location"):
        client |= {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.certificate.chain": _pem(certificate),
            "ssl.keystore.key": _pem(security["ssl.key.location"]),
        }
    return client


def jaas(mechanism: str, username: str, password: str, *more: str) -> str:
    """Java's login configuration of a user; `more` are further options, as name="value"."""
    module = PLAIN_MODULE if mechanism == "PLAIN" else SCRAM_MODULE
    options = [f"username={quoted(username)}", f"password={quoted(password)}", *more]
    return f"{module} required {' '.join(options)};"


def quoted(value: str) -> str:
    """A value in a login configuration."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def tls_context(security: Mapping[str, str]) -> ssl.SSLContext | None:
    """The TLS context of Python's own clients; None if the connection isn't encrypted."""
    if not security.get("security.protocol", "").endswith("SSL"):
        return None
    context = ssl.create_default_context(cafile=security.get("ssl.ca.location"))
    if certificate := security.get("ssl.certificate.location"):
        context.load_cert_chain(certificate, security["ssl.key.location"])
    return context


def _pem(file: str) -> str:
    return Path(file).read_text(encoding="ascii").strip()
