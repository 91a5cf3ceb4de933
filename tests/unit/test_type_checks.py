"""The checks of types that run with all tests can fail."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import Float, TypeCheckError

from par_core.ids import digest_of
from par_core.metrics.bootstrap import bootstrap_sums
from par_core.models.segmenter import Found
from par_core.store.shards import ShardFolder
from tests.type_checks import is_quoted, jaxtyped, names_arrays

Alias = Float[np.ndarray, " n"] | None


def test_a_wrong_argument_is_refused_with_arrays_and_without(tmp_path: Path) -> None:
    with pytest.raises(BeartypeCallHintViolation):
        digest_of(3)  # type: ignore[arg-type]
    with pytest.raises(BeartypeCallHintViolation):
        bootstrap_sums(np.ones(3, np.int8), lambda sums: sums[:, 0])  # type: ignore[arg-type]
    with pytest.raises(BeartypeCallHintViolation):
        Found(np.zeros((1, 4), np.float32), [0.5], np.zeros((1, 28, 28), np.float32))  # type: ignore[arg-type]
    with pytest.raises(TypeCheckError):  # has names in quotes
        ShardFolder(tmp_path).write({}, {"people": "3"}, {})  # type: ignore[dict-item]


def test_an_axis_has_one_size_in_a_call() -> None:
    def joined(a: Float[np.ndarray, " n"], b: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        return np.concatenate([a, b]) if a[0] else a

    checked = jaxtyped(typechecker=None)(joined)
    assert (len(checked(np.zeros(3), np.ones(3))), len(checked(np.zeros(4), np.ones(4)))) == (3, 4)
    for sizes in ((3, 4), (4, 3)):
        with pytest.raises(BeartypeCallHintViolation):
            checked(*map(np.zeros, sizes))
    with pytest.raises(BeartypeCallHintViolation):
        checked(np.ones(3), np.ones(3))


@pytest.mark.parametrize("hint", [Alias, list[Alias], dict[str, tuple[Alias, ...]], Callable[[Alias], int]])
def test_arrays_are_found_in_every_hint(hint: object) -> None:
    assert names_arrays(hint)
    assert not is_quoted(hint)


@pytest.mark.parametrize("hint", [None, int, dict[str, list[int]], Literal["Alias"]])
def test_what_has_no_array_is_not_taken_for_one(hint: object) -> None:
    assert not names_arrays(hint)
    assert not is_quoted(hint)


@pytest.mark.parametrize("hint", ["Alias", list["Alias"], Callable[["Alias"], int]])
def test_names_in_quotes_are_found(hint: object) -> None:
    assert is_quoted(hint)
