"""TLS and logins for Kafka: the settings about them, checked together and converted to what librdkafka takes.

A setting that would have no effect is refused, because whoever sets it believes that it protects them.
"""

import ssl
from pathlib import Path

import msgspec

from schemas.errors import ConfigurationError

NAME = "TIMELOOM_KAFKA_"


class KafkaAccess(msgspec.Struct, frozen=True, kw_only=True):
    """The settings `TIMELOOM_KAFKA_*`. None is a variable that isn't set.

    `own_cluster`: `TIMELOOM_KAFKA_BOOTSTRAP` is set, so the cluster isn't the native stack's.
    """

    own_cluster: bool
    protocol: str
    mechanism: str
    username: str | None
    password: str | None
    ca: Path | None
    certificate: Path | None
    key: Path | None


def kafka_security(access: KafkaAccess) -> dict[str, str]:
    """What librdkafka needs besides the address; empty for PLAINTEXT.

    Raises ConfigurationError naming the variables that contradict each other.
    """
    protocol = access.protocol
    given = _given(access)
    if not access.own_cluster and (given or protocol != "PLAINTEXT"):
        raise ConfigurationError(f"{NAME}SECURITY_PROTOCOL and the like need {NAME}BOOTSTRAP: the stack has its own.")
    used = {"SASL_USERNAME", "SASL_PASSWORD"} if protocol.startswith("SASL") else set()
    if missing := used - given:
        raise ConfigurationError(f"With {NAME}SECURITY_PROTOCOL={protocol}, {_named(missing)} must be set too.")
    may = used | ({"SSL_CA", "SSL_CERTIFICATE", "SSL_KEY"} if protocol.endswith("SSL") else set())
    if useless := given - may:
        raise ConfigurationError(
            f"{_named(useless)} would have no effect with {NAME}SECURITY_PROTOCOL={protocol}: which is meant?"
        )
    if len({"SSL_CERTIFICATE", "SSL_KEY"} & given) == 1:
        raise ConfigurationError(f"{NAME}SSL_CERTIFICATE and {NAME}SSL_KEY belong together; one of them is missing.")
    if protocol == "PLAINTEXT":
        return {}
    security: dict[str, str] = {"security.protocol": protocol}
    if used:
        assert access.username
        assert access.password
        security |= {
            "sasl.mechanism": access.mechanism,
            "sasl.username": access.username,
            "sasl.password": access.password,
        }
    return security | _files(access)


def certificate_file(name: str, file: Path) -> str:
    """The path of a file with certificates. Raises ConfigurationError where it isn't one."""
    try:
        ssl.create_default_context(cafile=str(file))
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"{name}={file} is no file with certificates in PEM form ({error}).") from error
    return str(file)


def _given(access: KafkaAccess) -> set[str]:
    """Which of the settings besides the protocol are there; the mechanism has a default, so it can't be missed."""
    values = {
        "SASL_USERNAME": access.username,
        "SASL_PASSWORD": access.password,
        "SSL_CA": access.ca,
        "SSL_CERTIFICATE": access.certificate,
        "SSL_KEY": access.key,
    }
    return {name for name, value in values.items() if value is not None}


def _files(access: KafkaAccess) -> dict[str, str]:
    files = {}
    if access.ca:
        files["ssl.ca.location"] = certificate_file(f"{NAME}SSL_CA", access.ca)
    if access.certificate and access.key:
        files["ssl.certificate.location"] = str(access.certificate)
        files["ssl.key.location"] = str(access.key)
        try:
            ssl.create_default_context().load_cert_chain(access.certificate, access.key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                f"{NAME}SSL_CERTIFICATE={access.certificate} and {NAME}SSL_KEY={access.key} "
                f"are no certificate and its key in PEM form ({error})."
            ) from error
    return files


def _named(names: set[str]) -> str:
    return ", ".join(NAME + name for name in sorted(names))
