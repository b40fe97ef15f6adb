"""Reads the settings. No other module reads the environment. For unset servers, the native stack's addresses are used.

TIMELOOM_HOME, TIMELOOM_DOWNLOADS, TIMELOOM_MAVEN      the native stack's folders, and a mirror for its downloads
TIMELOOM_STACK_TLS                                     certificates: the native stack's servers use only TLS
TIMELOOM_KAFKA_BOOTSTRAP, TIMELOOM_CONNECT_URL         the user's own servers
TIMELOOM_DATABASE_HOST, _DATABASE_PORT, _DATABASE,     the user's own MariaDB: with the host, all
_ADMIN_USER, _{ADMIN,COLLECTOR,CAPTURE,PIPELINE}_PASSWORD    four passwords are required
TIMELOOM_KAFKA_{SECURITY_PROTOCOL,SASL_..,SSL_..}      TLS and logins of own servers (docs/servers.md)
TIMELOOM_DATABASE_SSL_{CA,TRUSTSTORE,..}
TIMELOOM_EXCLUSIONS                                    what `import` and `preview` leave out (docs/sources.md)
TIMELOOM_WORKER_SESSION_S                              how long a silent group worker keeps its partitions
TIMELOOM_TELEMETRY_HOST, TIMELOOM_TELEMETRY_PORT       where the programs answer /healthz, /readyz and /metrics
TIMELOOM_LLM, OPENAI_BASE_URL, OPENAI_API_KEY          narration: on or off, the endpoint, its key
TIMELOOM_LLM_MODEL, _LLM_TIMEOUT_S, _LLM_PRICE,        its model, timeout, dollars for a million input and output
TIMELOOM_BUDGET_USD                                    tokens, and the most dollars to spend in 24 hours
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors.kafka.client.cluster import Cluster
from connectors.stack.servers.home import Home, Remembered, Secrets
from connectors.stack.servers.tls import TRUSTSTORE_PASSWORD
from schemas.errors import ConfigurationError
from streams.shared.server_access import KafkaAccess, certificate_file, kafka_security

if TYPE_CHECKING:
    from sqlalchemy import URL

ROOT = Path(__file__).parents[1]
User = Literal["admin", "collector", "capture", "pipeline"]
USERS: tuple[User, ...] = ("admin", "collector", "capture", "pipeline")


class Database(msgspec.Struct, frozen=True, kw_only=True):
    """The address of a MariaDB server and the passwords of its users. Printed, it shows no password.

    `ssl_ca`: the certificate of the authority that signed the server's; None is no TLS. `truststore`: the same as a
    PKCS 12 file on Connect's machine; None leaves it to what Connect's Java trusts.
    """

    host: str
    port: int
    name: str
    admin_user: str
    secrets: Secrets
    ssl_ca: str | None = None
    truststore: str | None = None
    truststore_password: str = ""

    def __repr__(self) -> str:
        return f"Database({self.host}:{self.port}/{self.name})"

    def url(self, user: User) -> "URL":
        """Returns the URL for a database user, as `connectors.mariadb` needs it. Printed, it hides the password."""
        from sqlalchemy import URL  # imported here because it is slow, and half of the commands need no database

        name = self.admin_user if user == "admin" else user
        tls = {"ssl_ca": self.ssl_ca} if self.ssl_ca else {}
        secret = getattr(self.secrets, user)
        return URL.create("mariadb+pymysql", name, secret, self.host, self.port, self.name, query=tls)


class Settings(BaseSettings):
    """The settings of this process: read once at start, and frozen. Printed, secrets are masked."""

    model_config = SettingsConfigDict(env_prefix="TIMELOOM_", frozen=True, env_ignore_empty=True)

    home: Path = ROOT / ".timeloom"
    downloads: Path | None = None
    maven: str | None = None
    java_home: Path | None = Field(default=None, validation_alias="JAVA_HOME")
    stack_tls: Path | None = None

    kafka_bootstrap: str | None = None
    connect_url: str | None = Field(default=None, repr=False)  # the URL may contain a login
    database: str = "timeloom"
    database_host: str | None = None
    database_port: int = 3306
    admin_user: str = "root"
    admin_password: SecretStr | None = None
    collector_password: SecretStr | None = None
    capture_password: SecretStr | None = None
    pipeline_password: SecretStr | None = None

    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ssl_ca: Path | None = None
    kafka_ssl_certificate: Path | None = None
    kafka_ssl_key: Path | None = None
    database_ssl_ca: Path | None = None
    database_ssl_truststore: str | None = None
    database_ssl_truststore_password: SecretStr = SecretStr("")
    exclusions: Path | None = None

    worker_session_s: float = Field(default=6.0, ge=1.0)

    telemetry_host: str = "127.0.0.1"
    telemetry_port: int = Field(default=0, ge=0, le=65_535)

    llm: bool = False
    llm_model: str = "gpt-4.1-mini"
    llm_timeout_s: float = Field(default=60.0, gt=0)
    llm_price: str | None = None
    budget_usd: float = Field(default=1.0, ge=0)
    openai_base_url: str | None = Field(default=None, validation_alias="OPENAI_BASE_URL")
    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")

    def elsewhere(self) -> list[str]:
        """Returns the variables that are set and name a user's own servers; empty where all are the native stack's."""
        given = {
            "TIMELOOM_DATABASE_HOST": self.database_host,
            "TIMELOOM_KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "TIMELOOM_CONNECT_URL": self.connect_url,
        }
        return [name for name, value in given.items() if value is not None]

    def kafka(self) -> Cluster:
        """Returns the Kafka cluster. Raises StackError where neither a setting nor a native stack names one."""
        security = kafka_security(self.kafka_access())
        return Cluster(self.kafka_bootstrap, security) if self.kafka_bootstrap else self._stack().kafka

    def kafka_access(self) -> KafkaAccess:
        """Returns the settings for TLS and logins of a user's own Kafka, as one value that can be checked."""
        password = self.kafka_sasl_password
        return KafkaAccess(
            own_cluster=self.kafka_bootstrap is not None,
            protocol=self.kafka_security_protocol,
            mechanism=self.kafka_sasl_mechanism,
            username=self.kafka_sasl_username,
            password=None if password is None else password.get_secret_value(),
            ca=self.kafka_ssl_ca,
            certificate=self.kafka_ssl_certificate,
            key=self.kafka_ssl_key,
        )

    def connect(self) -> str:
        """Returns the URL of Kafka Connect. Raises StackError where neither a setting nor a native stack names one."""
        return self.connect_url or self._stack().connect_url

    def mariadb(self) -> Database:
        """Returns the database. Raises StackError where neither a setting nor a native stack names one.

        Raises ConfigurationError where settings are missing or contradict each other.
        """
        if self.database_host is None:
            stack = self._stack()
            if self.database_ssl_ca or self.database_ssl_truststore:
                raise ConfigurationError(
                    "TIMELOOM_DATABASE_SSL_CA and _SSL_TRUSTSTORE need TIMELOOM_DATABASE_HOST: the native stack "
                    "has certificates of its own."
                )
            return Database(
                host="127.0.0.1",
                port=stack.ports.mariadb,
                name=stack.database,
                admin_user=stack.admin_user,
                secrets=stack.secrets,
                ssl_ca=stack.protection.ca if stack.protection else None,
                truststore=str(Home(self.home).truststore) if stack.protection else None,
                truststore_password=TRUSTSTORE_PASSWORD if stack.protection else "",
            )
        passwords = {user: getattr(self, f"{user}_password") for user in USERS}
        if missing := [user for user, password in passwords.items() if password is None]:
            # The native stack's passwords aren't those of another server.
            names = ", ".join(f"TIMELOOM_{user.upper()}_PASSWORD" for user in missing)
            raise ConfigurationError(f"With TIMELOOM_DATABASE_HOST, {names} must be set too.")
        return Database(
            host=self.database_host,
            port=self.database_port,
            name=self.database,
            admin_user=self.admin_user,
            secrets=Secrets(**{user: password.get_secret_value() for user, password in passwords.items()}),
            ssl_ca=certificate_file("TIMELOOM_DATABASE_SSL_CA", self.database_ssl_ca) if self.database_ssl_ca else None,
            truststore=self.database_ssl_truststore,
            truststore_password=self.database_ssl_truststore_password.get_secret_value(),
        )

    def _stack(self) -> Remembered:
        return Home(self.home).recall()


def load() -> Settings:
    """Reads the settings from the environment. Raises ConfigurationError with variable, value and what was expected."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = [
            f"{'TIMELOOM_' if '_'.join(map(str, e['loc'])).islower() else ''}{'_'.join(map(str, e['loc'])).upper()}"
            f"={e['input']!r}: {e['msg']}"
            for e in error.errors()
        ]
        raise ConfigurationError("The environment has invalid settings: " + "; ".join(wrong)) from error


def with_narration(budget_usd: float) -> Settings:
    """Switches narration on for this process and for the processes that it starts; returns the new settings.

    `budget_usd` counts only where no budget is set yet.
    """
    os.environ["TIMELOOM_LLM"] = "on"
    os.environ.setdefault("TIMELOOM_BUDGET_USD", str(budget_usd))
    return load()
