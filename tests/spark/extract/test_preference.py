from __future__ import annotations

import random

from spark.sentinel2.preference import preferences
from tests.spark.extract.imagery import bare

C1, L2A = "sentinel-2-c1-l2a", "sentinel-2-l2a"
ORDERED = [
    bare(id="a", collection=C1, baseline="05.00"),
    bare(id="b", collection=L2A, baseline="10.00"),
    bare(id="c", collection=L2A, baseline="05.10", updated="2024-01-01T00:00:00.000002+00:00"),
    bare(id="d", collection=L2A, baseline="05.10", updated="2024-01-01T00:00:00Z", sequence="10"),
    bare(id="e", collection=L2A, baseline="05.10", updated="2024-01-01T00:00:00Z", sequence="9"),
    bare(id="f", collection=L2A, baseline="05.10", updated="2024-01-01T00:00:00Z", sequence=None),
    bare(id="g", collection=L2A, baseline="05.10", updated="2024-01-01T00:00:00Z", sequence=None),
    bare(id="h", collection=L2A, baseline="05.10", updated="sometime"),
    bare(id="i", collection=L2A, baseline=None),
    bare(id="j", collection="another", baseline="99.99"),
]


def test_one_order_whatever_the_order_given() -> None:
    for seed in range(5):
        scenes = random.Random(seed).sample(ORDERED, len(ORDERED))
        ranks = preferences(scenes, (C1, L2A))
        assert sorted(ranks, key=ranks.__getitem__) == [scene.id for scene in ORDERED]
        assert sorted(ranks.values()) == list(range(len(ORDERED)))


def test_the_user_s_order_of_collections_comes_first() -> None:
    assert preferences(ORDERED, (L2A, C1))["b"] == 0
