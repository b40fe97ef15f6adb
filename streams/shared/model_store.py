"""The grouping models at hand: the one that ships, files that a user names, and firms' stored models."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from threading import Lock

import structlog

from processors.grouping.clustering.cluster_similarity import cluster_similarities
from processors.grouping.model.grouping_model import Model, load_model
from processors.grouping.similarity.classifier import classifiers
from schemas.errors import ModelError

SHIPPED_FILE = "first.json"

log = structlog.get_logger("models")

FetchModel = Callable[[int, str], bytes | None]
"""The bytes of a firm's version, None where the firm has none such. Raises StackError where nobody can say."""


def shipped_bytes() -> bytes:
    """The file of the model that ships."""
    return (files("processors.grouping.model") / SHIPPED_FILE).read_bytes()


@lru_cache(maxsize=1)
def shipped_model() -> Model:
    """The model that ships: it groups for everybody who has activated no other."""
    return load_model(shipped_bytes())


def compile_grouping() -> None:
    """Compiles the loops of grouping and keeps the machine code, so that the first program needn't (`make install`)."""
    from processors.grouping.batch import warm_up

    warm_up(shipped_model())


def usable_model(raw: bytes) -> Model:
    """The model in these bytes. Raises ModelError if they are no model, or need something unknown here."""
    model = load_model(raw)
    classifiers(model)
    cluster_similarities(model)
    return model


def read_model_file(path: Path) -> Model:
    """The model in a file. Raises ModelError if it can't be read or isn't one."""
    try:
        return usable_model(path.read_bytes())
    except OSError as error:
        raise ModelError(f"the model {path} can't be read: {error.strerror}") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def no_firm_models(_: int, __: str) -> None:
    """A source without models of firms."""


class ModelStore:
    """The models that a process has: the one that ships, and firms' own, each fetched when it is first named.

    Any thread may ask. A version's bytes never change, so what was fetched once is here to stay.
    """

    def __init__(self, fetch_model: FetchModel = no_firm_models) -> None:
        self._fetch_model = fetch_model
        self._by_firm: dict[int, dict[str, Model]] = {}
        self._lock = Lock()

    def models_of(self, firm: int) -> Mapping[str, Model]:
        """Everybody's and the firm's own that were named, by version."""
        shipped = shipped_model()
        return self._by_firm.setdefault(firm, {shipped.version: shipped})

    def load(self, versions: Iterable[tuple[int, str]]) -> None:
        """Fetches what isn't here yet, of (firm, version). What no firm has, or can't be used, stays away.

        Raises StackError where the database can't be asked.
        """
        for firm, version in versions:
            with self._lock:
                if version not in self.models_of(firm):
                    self._load(firm, version)

    def _load(self, firm: int, version: str) -> None:
        raw = self._fetch_model(firm, version)
        if raw is None:
            return
        try:
            model = usable_model(raw)
        except ModelError as error:  # of a format that this version reads no more: the activation is a dead letter
            log.error("model_unusable", firm=firm, model=version, error=str(error))
            return
        if model.version != version:
            log.error("model_unusable", firm=firm, model=version, error=f"its bytes are those of {model.version}")
            return
        self._by_firm[firm][version] = model
