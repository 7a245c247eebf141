from itertools import product

import pytest

from claylake.errors import ClaylakeError
from claylake.vector_kind import MixedVectorsError, VectorKind, one_kind

TUTORIAL, TRAINING = VectorKind("clay-v1.5+0123456789ab", "tutorial"), VectorKind("clay-v1.5+0123456789ab", "training")
OTHER_MODEL = VectorKind("demo-random+0123456789ab", "tutorial")


def test_vectors_of_one_kind_compare():
    assert one_kind([TUTORIAL, TUTORIAL]) == TUTORIAL
    assert one_kind([TUTORIAL], wanted=TUTORIAL) == TUTORIAL
    assert one_kind([], wanted=TRAINING) == TRAINING
    assert one_kind([]) is None


@pytest.mark.parametrize(
    ("one", "other"), [pair for pair in product((TUTORIAL, TRAINING, OTHER_MODEL), repeat=2) if pair[0] != pair[1]]
)
def test_vectors_of_different_kinds_are_refused_naming_them(one, other):
    for given in (lambda: one_kind([one, one, other]), lambda: one_kind([one], wanted=other)):
        with pytest.raises(MixedVectorsError) as caught:
            given()
        assert isinstance(caught.value, ClaylakeError)
        assert caught.value.kinds == tuple(sorted((one, other)))
        assert str(one) in str(caught.value)
        assert str(other) in str(caught.value)


def test_condition_quotes_what_it_is_given():
    assert TUTORIAL.condition() == "model_version = 'clay-v1.5+0123456789ab' AND convention = 'tutorial'"
    assert VectorKind("a'b\\", "x").condition().startswith("model_version = 'a\\'b\\\\' AND")
