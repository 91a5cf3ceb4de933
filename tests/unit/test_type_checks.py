"""The checks of types that run with all tests can fail."""

import numpy as np
import pytest
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import Float, TypeCheckError

from par_core.ids import digest_of
from par_core.metrics.bootstrap import bootstrap_sums
from tests.type_checks import names_arrays

Alias = Float[np.ndarray, " n"] | None


def test_a_wrong_argument_is_refused_with_arrays_and_without() -> None:
    with pytest.raises(BeartypeCallHintViolation):
        digest_of(3)  # type: ignore[arg-type]
    with pytest.raises(TypeCheckError):
        bootstrap_sums(np.ones(3, np.int8), lambda sums: sums[:, 0])  # type: ignore[arg-type]


@pytest.mark.parametrize("hint", [Alias, list[Alias], dict[str, tuple[Alias, ...]], "Alias"])
def test_arrays_are_found_in_every_hint(hint: object) -> None:
    assert names_arrays(hint)


@pytest.mark.parametrize("hint", [None, int, dict[str, list[int]]])
def test_what_has_no_array_is_not_taken_for_one(hint: object) -> None:
    assert not names_arrays(hint)
