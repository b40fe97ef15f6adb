"""How programs get in: the settings for TLS and logins, checked together and put as the clients take them.

A setting that would have no effect is refused: somebody believes that it protects them.
"""

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from streams.settings import Settings

NAME = "TIMELOOM_KAFKA_"


def kafka_security(settings: "Settings") -> dict[str, str]:
    """What librdkafka has to know besides the address. Raises ConfigurationError naming what doesn't go together."""
    protocol = settings.kafka_security_protocol
    given = _given(settings)
    if settings.kafka_bootstrap is None and (given or protocol != "PLAINTEXT"):
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
        assert settings.kafka_sasl_username
        assert settings.kafka_sasl_password
        security |= {
            "sasl.mechanism": settings.kafka_sasl_mechanism,
            "sasl.username": settings.kafka_sasl_username,
            "sasl.password": settings.kafka_sasl_password.get_secret_value(),
        }
    return security | _files(settings)


def certificate_file(name: str, file: Path) -> str:
    """The path of a file with certificates. Raises ConfigurationError where it isn't one."""
    try:
        ssl.create_default_context(cafile=str(file))
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"{name}={file} is no file with certificates in PEM form ({error}).") from error
    return str(file)


def _given(settings: "Settings") -> set[str]:
    """Which of the settings besides the protocol are there; the mechanism has a default, so it can't be missed."""
    values = {
        "SASL_USERNAME": settings.kafka_sasl_username,
        "SASL_PASSWORD": settings.kafka_sasl_password,
        "SSL_CA": settings.kafka_ssl_ca,
        "SSL_CERTIFICATE": settings.kafka_ssl_certificate,
        "SSL_KEY": settings.kafka_ssl_key,
    }
    return {name for name, value in values.items() if value is not None}


def _files(settings: "Settings") -> dict[str, str]:
    files = {}
    if settings.kafka_ssl_ca:
        files["ssl.ca.location"] = certificate_file(f"{NAME}SSL_CA", settings.kafka_ssl_ca)
    if settings.kafka_ssl_certificate and settings.kafka_ssl_key:
        files["ssl.certificate.location"] = str(settings.kafka_ssl_certificate)
        files["ssl.key.location"] = str(settings.kafka_ssl_key)
        try:
            ssl.create_default_context().load_cert_chain(settings.kafka_ssl_certificate, settings.kafka_ssl_key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                f"{NAME}SSL_CERTIFICATE={settings.kafka_ssl_certificate} and {NAME}SSL_KEY={settings.kafka_ssl_key} "
                f"are no certificate and its key in PEM form ({error})."
            ) from error
    return files


def _named(names: set[str]) -> str:
    return ", ".join(NAME + name for name in sorted(names))
