from itertools import product

import pytest
from pyiceberg.expressions.visitors import expression_evaluator
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record
from pyiceberg.types import NestedField, StringType

from claylake.errors import ClaylakeError
from claylake.vector_kind import MixedVectorsError, VectorKind, one_kind
from tests.shared import vector_kinds

TUTORIAL, TRAINING = (
    VectorKind(model_version="clay-v1.5+0123456789ab", convention=name) for name in ("tutorial", "training")
)
OTHER_MODEL = VectorKind(model_version="demo-random+0123456789ab", convention="tutorial")


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
    assert VectorKind(model_version="a'b\\", convention="x").condition().startswith("model_version = 'a\\'b\\\\' AND")


@pytest.mark.parametrize("kind", vector_kinds.KINDS, ids=repr)
def test_pyiceberg_selects_the_rows_that_spark_selects(kind):
    # Spark's side, of the same rows: tests/spark/lake/test_sql.py.
    schema = Schema(
        NestedField(1, "model_version", StringType()),
        NestedField(2, "convention", StringType()),
    )
    evaluate = expression_evaluator(schema, kind.expression(), case_sensitive=True)
    rows = [row for row in vector_kinds.ROWS if evaluate(Record(row["model_version"], row["convention"]))]
    assert rows == vector_kinds.selected(kind)
