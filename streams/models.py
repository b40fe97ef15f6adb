"""The grouping models at hand: the one that ships, and files that a user names."""

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from processors.grouping.model import Model, load_model
from schemas.errors import ModelError

SHIPPED = "first.json"


@lru_cache(maxsize=1)
def shipped_model() -> Model:
    """The model that comes with Timeloom: what groups for everybody who has activated no other."""
    return load_model((files("processors.grouping") / "models" / SHIPPED).read_bytes())


def model_from(path: Path) -> Model:
    """The model in a file. Raises ModelError where it can't be read or isn't one."""
    try:
        return load_model(path.read_bytes())
    except OSError as error:
        raise ModelError(f"the model {path} can't be read: {error.strerror}") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def known_models() -> dict[str, Model]:
    """All models at hand by version."""
    model = shipped_model()
    return {model.version: model}
