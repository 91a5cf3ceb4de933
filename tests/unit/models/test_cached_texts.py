"""Embeddings of the background texts are computed once for a model, whatever becomes of the file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from par_core.models.cached_texts import cached_embeddings
from par_core.models.fake import FakeTextEncoder
from par_core.models.runtimes import cache_folder
from par_core.types import Embeddings

SENTENCES = ["a red person", "a blue person"]


class CountingEncoder(FakeTextEncoder):
    """Counts the sentences that it embeds."""

    embedded = 0

    def encode(self, sentences: Sequence[str]) -> Embeddings:
        self.embedded += len(sentences)
        return super().encode(sentences)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def files() -> list[Path]:
    return sorted((cache_folder() / "texts").iterdir())


def test_sentences_are_embedded_once_for_a_fingerprint() -> None:
    first, second, other = CountingEncoder(), CountingEncoder(), CountingEncoder()
    other.embedding_fingerprint = "another-embedding"
    vectors = [cached_embeddings(SENTENCES, encoder) for encoder in (first, second, other)]
    assert [encoder.embedded for encoder in (first, second, other)] == [2, 0, 2]
    assert all((one == vectors[0]).all() for one in vectors)
    cached_embeddings([*SENTENCES, "a green person"], second)  # other sentences are another file
    assert second.embedded == 3
    assert len(files()) == 3


@pytest.mark.parametrize("damage", [b"", b"\0" * 40, None])
def test_a_damaged_file_is_written_again(damage: bytes | None) -> None:
    expected = cached_embeddings(SENTENCES, CountingEncoder())
    (file,) = files()
    whole = file.read_bytes()
    file.write_bytes(whole[:-3] + b"xyz" if damage is None else damage)
    encoder = CountingEncoder()
    assert (cached_embeddings(SENTENCES, encoder) == expected).all()
    assert encoder.embedded == 2
    assert file.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    vectors = cached_embeddings(SENTENCES, CountingEncoder())
    np.testing.assert_array_equal(vectors, FakeTextEncoder().encode(SENTENCES))
