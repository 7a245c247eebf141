"""Files of any suffix and any form of address give the same pixels as the file on disk."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import rasterio

from claylake.catalogue.scene import Scene
from spark.reading.errors import UnreadableError
from spark.reading.observe import observe
from spark.reading.scene import CellPixels, read_cells
from spark.reading.strips import CellIndex
from tests.spark.extract.faults import Files, serving
from tests.spark.extract.imagery import Sheet, paint

SHEET = Sheet(west=156 * 2560, north=1344 * 2560, side=2560)
CELL = CellIndex(col=156, row=1343)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """`red` lies there under many names, as GeoTIFF and as JPEG 2000."""
    scene = paint(tmp_path_factory.mktemp("scene"), SHEET)
    red = Path(scene.assets["red"].href)
    for name in ("red.tiff", "red.TIF", "red", "red of a.tif"):
        shutil.copy(red, red.with_name(name))
    with rasterio.open(red) as file:
        profile = {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES", "YCBCR420": "NO"}
        place = {"crs": file.crs, "transform": file.transform, "width": file.width, "height": file.height}
        with rasterio.open(red.with_name("red.jp2"), "w", **profile, **place, count=1, dtype="uint16") as copy:
            copy.write(file.read())
    return scene


def with_red(scene: Scene, href: str) -> Scene:
    return scene.model_copy(
        update={"assets": scene.assets | {"red": scene.assets["red"].model_copy(update={"href": href})}}
    )


@pytest.mark.parametrize(
    "href",
    [
        "{http}/red.tif",
        "{http}/red.tiff",
        "{http}/red.TIF",
        "{http}/red.jp2",
        "{http}/red",
        "{http}/red.tif#x",
        "{http}/red.tif?sig=a%2Fb&x=1",
        "{http}/red of a.tif",
        "{http}/red%20of%20a.tif",
        "file://{folder}/red%20of%20a.tif",
        "file://{folder}/red of a.tif",
        "file://localhost{folder}/red.jp2",
        "file:{folder}/red",
        "{folder}/red of a.tif",
    ],
)
def test_pixels_are_the_same_by_any_address(scene: Scene, href: str) -> None:
    folder = Path(scene.assets["red"].href).parent
    (true,) = read_cells(scene, [CELL])
    assert isinstance(true, CellPixels)
    with serving(Files(folder=folder)) as root:
        (got,) = read_cells(with_red(scene, href.format(http=root, folder=folder)), [CELL])
    assert isinstance(got, CellPixels), got
    np.testing.assert_array_equal(got.raw, true.raw)


def test_an_address_that_an_older_plan_let_pass_is_named(scene: Scene) -> None:
    refused = with_red(scene, "gs://bucket/red.tif")
    with pytest.raises(UnreadableError, match=r"red: href 'gs://bucket/red\.tif': gs: is not read"):
        next(read_cells(refused, [CELL]))
    scl = scene.assets["scl"].model_copy(update={"href": "scl.tif"})
    (cell,) = observe(scene.model_copy(update={"assets": scene.assets | {"scl": scl}}), [CELL])
    assert "it is relative" in str(cell.error)


class OtherRegion(BaseHTTPRequestHandler):
    """S3 of one region, to which requests must be signed for it."""

    protocol_version = "HTTP/1.1"
    folder: Path
    signed_for: list[str]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        region = self.headers["Authorization"].split("/")[2]
        self.signed_for.append(region)
        if region != "eu-central-1":
            self._answer(400, b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-central-1</Region></Error>")
            return
        data = (self.folder / Path(self.path).name).read_bytes()
        start, _, end = (self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")
        part = data[int(start) : int(end or len(data)) + 1]
        self._answer(206, part, f"bytes {start}-{int(start) + len(part) - 1}/{len(data)}")

    def _answer(self, status: int, body: bytes, content_range: str = "") -> None:
        self.send_response(status)
        if content_range:
            self.send_header("Content-Range", content_range)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def other_region(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Regions that requests were signed for."""
    monkeypatch.setattr(OtherRegion, "folder", Path(scene.assets["red"].href).parent, raising=False)
    monkeypatch.setattr(OtherRegion, "signed_for", [], raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), OtherRegion)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    known = {"AWS_S3_ENDPOINT": f"127.0.0.1:{server.server_port}", "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": "FALSE"}
    own = {"AWS_REGION": "us-west-2", "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    for name, value in (known | own).items():
        monkeypatch.setenv(name, value)
    yield OtherRegion.signed_for
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_bucket_of_another_region_is_read(scene: Scene, other_region: list[str]) -> None:
    (true,) = read_cells(scene, [CELL])
    (got,) = read_cells(with_red(scene, "s3://bucket-elsewhere/29/red.tif"), [CELL])
    assert isinstance(got, CellPixels), got
    np.testing.assert_array_equal(got.raw, true.raw)
    assert other_region[0] == "us-west-2"
    assert other_region[-1] == "eu-central-1"
