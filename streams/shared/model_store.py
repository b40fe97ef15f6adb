"""The grouping models at hand: the one that ships, files that a user names, and what firms have on their shelves."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from threading import Lock

import structlog

from processors.grouping.clustering.cluster_similarity import mergers
from processors.grouping.model.grouping_model import Model, load_model
from processors.grouping.similarity.classifier import classifiers
from schemas.errors import ModelError

SHIPPED = "first.json"

log = structlog.get_logger("models")

Fetch = Callable[[int, str], bytes | None]
"""The bytes of a firm's version, None where the firm has none such. Raises StackError where nobody can say."""


def shipped_bytes() -> bytes:
    """The file of the model that comes with Timeloom."""
    return (files("processors.grouping.model") / SHIPPED).read_bytes()


@lru_cache(maxsize=1)
def shipped_model() -> Model:
    """The model that comes with Timeloom: what groups for everybody who has activated no other."""
    return load_model(shipped_bytes())


def usable(raw: bytes) -> Model:
    """The model in these bytes. Raises ModelError where they are none, and where it asks for what isn't known here."""
    model = load_model(raw)
    classifiers(model)
    mergers(model)
    return model


def model_from(path: Path) -> Model:
    """The model in a file. Raises ModelError where it can't be read or isn't one."""
    try:
        return usable(path.read_bytes())
    except OSError as error:
        raise ModelError(f"the model {path} can't be read: {error.strerror}") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def nothing_else(_: int, __: str) -> None:
    """Firms have no models of their own."""


class Shelf:
    """The models that a process has: the one that ships, and firms' own, each fetched when it is first named.

    Any thread may ask. A version's bytes never change, so what was fetched once is here to stay.
    """

    def __init__(self, fetch: Fetch = nothing_else) -> None:
        self._fetch = fetch
        self._of: dict[int, dict[str, Model]] = {}
        self._lock = Lock()

    def of(self, firm: int) -> Mapping[str, Model]:
        """Everybody's and the firm's own that were named, by version."""
        shipped = shipped_model()
        return self._of.setdefault(firm, {shipped.version: shipped})

    def bring(self, named: Iterable[tuple[int, str]]) -> None:
        """Fetches what isn't here yet, of (firm, version). What no firm has, or can't be used, stays away.

        Raises StackError where the database can't be asked.
        """
        for firm, version in named:
            with self._lock:
                if version not in self.of(firm):
                    self._bring(firm, version)

    def _bring(self, firm: int, version: str) -> None:
        raw = self._fetch(firm, version)
        if raw is None:
            return
        try:
            model = usable(raw)
        except ModelError as error:  # of a format that this version reads no more: the activation is a dead letter
            log.error("model_unusable", firm=firm, model=version, error=str(error))
            return
        if model.version != version:
            log.error("model_unusable", firm=firm, model=version, error=f"its bytes are those of {model.version}")
            return
        self._of[firm][version] = model
