import pytest

pytest.importorskip("rasterio", reason="the demo world is painted in the spark environment")

from infra.world.arguments import MONTHS
from infra.world.build import build


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The tiny world, all three months."""
    out = tmp_path_factory.mktemp("world")
    build(out, months=MONTHS, size="tiny")
    return out
