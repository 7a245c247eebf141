"""Plans of databases of their own, as the lake's tests make them."""

from tests.spark.lake.conftest import make_plan

__all__ = ["make_plan"]
