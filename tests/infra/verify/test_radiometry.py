"""A chip's radiometry must be what metadata or pixels permit, and pixels go first."""

from __future__ import annotations

import pytest

from infra.verify.radiometry import Recorded, SceneRadiometry
from infra.verify.rules import Low
from infra.verify.scene_files import Source

DARK, BRIGHT = Low(clear=1000, below=900), Low(clear=1000, below=0)


def findings(said: str, low: Low, **item: object) -> list[str]:
    known = {"id": "s", "collection": "sentinel-2-l2a", "baseline": "05.10", "flag": False, "hrefs": {}}
    scene = SceneRadiometry(source=Source(**(known | {"datetime": "2024-08-02T10:00:00Z"} | item)))
    scene.add("chip 1", said, low)
    return [finding.text for finding in scene.findings()]


@pytest.mark.parametrize(
    ("said", "low", "item", "words"),
    [
        ("minus_1000", BRIGHT, {}, ""),
        ("as_published", BRIGHT, {"flag": True}, ""),
        ("as_published", DARK, {}, ""),
        ("as_published", DARK, {"collection": "sentinel-2-c1-l2a"}, ""),
        ("as_published", BRIGHT, {}, "calls for minus_1000"),
        ("minus_1000", BRIGHT, {"flag": True}, "calls for as_published"),
        ("minus_1000", DARK, {}, "has no offset left: 900 of 1,000 clear pixels"),
        ("minus_1000", BRIGHT, {"collection": "sentinel-2-c1-l2a", "flag": True}, "contradicts itself"),
    ],
)
def test_one_scene(said: str, low: Low, item: dict[str, object], words: str) -> None:
    found = findings(said, low, **item)
    assert len(found) == bool(words)
    assert all(words in text for text in found)


def test_pixels_of_all_chips_count() -> None:
    """One chip in shade proves nothing of a scene."""
    source = Source(id="s", collection="c", baseline="05.10", flag=None, datetime="2024-08-02T10:00:00Z", hrefs={})
    scene = SceneRadiometry(source=source)
    scene.add("chip 1", "minus_1000", Low(clear=1000, below=2))
    assert len(list(scene.findings())) == 1
    for _ in range(5):
        scene.add("chip 2", "minus_1000", BRIGHT)
    assert list(scene.findings()) == []
    scene.add("chip 3", "as_published", BRIGHT)
    assert {finding.text[:60] for finding in scene.findings()} >= {
        "chips of s by one run are as_published and minus_1000"
    }


def test_what_runs_recorded_may_permit_it() -> None:
    assert not Recorded().permits("as_published")
    assert Recorded(low=DARK).permits("as_published")
    assert not Recorded(low=DARK).permits("minus_1000")
    assert Recorded(low=BRIGHT).permits("minus_1000")
    assert (Recorded(low=BRIGHT) | Recorded(low=Low(clear=5, below=5), is_set=True)) == Recorded(
        low=BRIGHT, is_set=True
    )
