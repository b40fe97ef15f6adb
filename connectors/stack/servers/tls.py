"""A native stack whose servers are reached by TLS and with a password only: for trying the settings of real servers.

The certificates are the user's own: a folder with ca.pem, server.pem and server-key.pem, good for 127.0.0.1.
"""

import subprocess
from pathlib import Path

import msgspec

from connectors.kafka.client.security import PLAIN_MODULE, SCRAM_MODULE, java_client, quoted
from schemas.errors import ConfigurationError, StackError

USER = "timeloom"
MECHANISM = "PLAIN"
TRUSTSTORE_PASSWORD = "timeloom"
"""Java wants one; the file holds only the authority's certificate, which everybody may see."""

CLIENTS = ("", "producer.", "consumer.", "admin.")
"""Connect's own clients, and those of its connectors: none of them takes over what another was told."""


class Protection(msgspec.Struct, frozen=True, kw_only=True):
    """Where the certificates are, and the password of the one user that Kafka knows."""

    certificates: str
    kafka_password: str

    def __repr__(self) -> str:
        return f"Protection({self.certificates}, ********)"

    @property
    def ca(self) -> str:
        """The certificate of the authority that signed the servers'."""
        return str(Path(self.certificates) / "ca.pem")

    @property
    def certificate(self) -> str:
        """The servers' certificate, with those that lead to the authority."""
        return str(Path(self.certificates) / "server.pem")

    @property
    def key(self) -> str:
        """Its private key, as PKCS 8 without a password: Java reads no other."""
        return str(Path(self.certificates) / "server-key.pem")

    def security(self) -> dict[str, str]:
        """What a librdkafka client needs to get in."""
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": MECHANISM,
            "sasl.username": USER,
            "sasl.password": self.kafka_password,
            "ssl.ca.location": self.ca,
        }


def check(protection: Protection) -> None:
    """Raises ConfigurationError where a file is missing or the key is of a form that Java can't read."""
    for file in (protection.ca, protection.certificate, protection.key):
        if not Path(file).is_file():
            raise ConfigurationError(f"TIMELOOM_STACK_TLS: there is no {file}. docs/servers.md says how it is made.")
    if "-----BEGIN PRIVATE KEY-----" not in Path(protection.key).read_text():
        raise ConfigurationError(
            f"TIMELOOM_STACK_TLS: {protection.key} is not a PKCS 8 key without a password. This makes one of it: "
            "openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW"
        )


def mariadb_options(protection: Protection) -> list[str]:
    """How the server is told: they overrule the settings file's `skip-ssl`."""
    return [
        "--ssl",
        f"--ssl-cert={protection.certificate}",
        f"--ssl-key={protection.key}",
        "--require-secure-transport=ON",
    ]


def broker_settings(protection: Protection, listener: str, keystore: Path) -> dict[str, str]:
    """The broker's: `listener` and the controller's only by TLS and login. The password of its user is in here."""
    user = f"username={quoted(USER)} password={quoted(protection.kafka_password)}"
    plain = f"{PLAIN_MODULE} required {user} user_{USER}={quoted(protection.kafka_password)};"
    name = f"listener.name.{listener.lower()}"
    return {
        "listener.security.protocol.map": f"{listener}:SASL_SSL,CONTROLLER:SASL_SSL",
        "inter.broker.listener.name": listener,
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        f"{name}.plain.sasl.jaas.config": plain,
        f"{name}.scram-sha-512.sasl.jaas.config": f"{SCRAM_MODULE} required;",
        "listener.name.controller.plain.sasl.jaas.config": plain,
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": protection.ca,
    }


def keystore(protection: Protection) -> str:
    """What the broker's keystore holds: key and certificate in one file."""
    return Path(protection.key).read_text() + Path(protection.certificate).read_text()


def worker_settings(protection: Protection) -> dict[str, str]:
    """Connect's: the same login for each of its clients, each on one line of a properties file."""
    client = java_client(protection.security())
    return {f"{who}{key}": value.replace("\n", "\\n") for who in CLIENTS for key, value in client.items()}


def make_truststore(java: Path, protection: Protection, file: Path) -> None:
    """The authority's certificate in the form that Java reads, for the connector's way to the database."""
    file.unlink(missing_ok=True)
    tool = java.resolve().with_name("keytool")
    command: list[str | Path] = [
        tool,
        "-importcert",
        "-noprompt",
        "-alias",
        "ca",
        "-file",
        protection.ca,
        "-keystore",
        file,
    ]
    command += ["-storetype", "PKCS12", "-storepass", TRUSTSTORE_PASSWORD]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode:
        raise StackError(
            f"{tool} made no truststore of {protection.ca}: {answer.stdout.strip()}{answer.stderr.strip()}"
        )
