"""Faults of networks and servers: each is ridden out or named, and what it costs is counted. No pause is really slept."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import rasterio

from claylake.catalogue.hrefs import gdal_path
from claylake.catalogue.scene import Scene
from infra.local.ports import free_port
from spark.reading import answers, band, gdal, hosts, persistence
from spark.reading.band import Band
from spark.reading.errors import UnreadableError
from spark.reading.observe import observe
from spark.reading.scene import CellPixels, Unread, open_band, read_cells
from spark.reading.strips import CellIndex
from tests.spark.extract.faults import FOREVER, Fault, Files, Request, serving
from tests.spark.extract.imagery import Sheet, noise, paint
from tests.spark.extract.test_reading import broken_block

pytestmark = pytest.mark.slow

SHEET = Sheet(west=156 * 2560, north=1344 * 2560, side=4 * 2560)
CELLS = [CellIndex(col=156 + x, row=1343 - y) for x in range(4) for y in range(4)]


class StandingClock(hosts.Clock):
    """Time passes by sleeping alone."""

    def __init__(self) -> None:
        self.time, self.lock = 0.0, threading.Lock()

    def now(self) -> float:
        return self.time

    def sleep_until(self, moment: float) -> None:
        with self.lock:
            self.time = max(self.time, moment)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> StandingClock:
    clock = StandingClock()
    monkeypatch.setattr(hosts, "clock", clock)
    monkeypatch.setitem(gdal.OPTIONS, "GDAL_HTTP_RETRY_DELAY", "0.01")
    monkeypatch.setattr(hosts, "_hosts", {})
    return clock


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Its pixels do not compress, so that no file fits into the read of its header."""

    return paint(tmp_path_factory.mktemp("scene"), SHEET, noise)


def remote(scene: Scene, root: str, query: str = "") -> Scene:
    """The scene as a server has it; GDAL holds nothing of such addresses yet."""
    hrefs = {key: f"{root}/{Path(asset.href).name}{query}" for key, asset in scene.assets.items()}
    assets = {key: asset.model_copy(update={"href": hrefs[key]}) for key, asset in scene.assets.items()}
    for href in hrefs.values():
        gdal.forget(gdal_path(href))
    return scene.model_copy(update={"assets": assets})


def folder(scene: Scene) -> Path:
    return Path(scene.assets["red"].href).parent


def of(name: str) -> Callable[[Request], bool]:
    return lambda request: request.name == f"{name}.tif"


def pixels_of(name: str) -> Callable[[Request], bool]:
    return lambda request: request.name == f"{name}.tif" and request.is_of_pixels


def pixels(request: Request) -> bool:
    return request.is_of_pixels


@dataclass(frozen=True, kw_only=True)
class Case:
    """A fault, and what is to come of it: cells lost with these words, and so many seconds of pauses at most and at least."""

    name: str
    faults: tuple[Fault, ...] = ()
    lost: int = 0
    words: str = ""
    pauses_s: float = 0.0
    least_s: float = 0.0
    query: str = ""


def head(request: Request) -> bool:
    return request.method == "HEAD"


def unlucky() -> Callable[[Request], bool]:
    """Every request with a chance of one in two."""
    random = np.random.default_rng(3)
    return lambda _: bool(random.integers(2))


def cases() -> list[Case]:
    """Made anew each time: faults count how often they struck."""
    signed = "?X-Amz-Algorithm=AWS4&X-Amz-Expires=60&X-Amz-Signature=5ec4e7"
    denied = "red.tif: HTTP 403, access is denied: has the address's signature expired"
    return [
        Case(name="none"),
        Case(name="a connection reset", faults=(Fault(kind="reset", match=pixels),), pauses_s=1),
        Case(name="a body cut short", faults=(Fault(kind="short", match=pixels),), pauses_s=1),
        Case(
            name="bodies of a file cut short three times",
            faults=(Fault(kind="short", match=pixels_of("nir"), times=3),),
            pauses_s=7,
        ),
        Case(
            name="every fifth body cut short",
            faults=(Fault(kind="short", match=lambda r: r.number % 5 == 4 and r.is_of_pixels, times=40),),
            pauses_s=120,
        ),
        Case(name="a Content-Length longer than the body", faults=(Fault(kind="long", match=pixels),), pauses_s=1),
        Case(
            name="a file's header cut short twice",
            faults=(Fault(kind="short", match=lambda r: r.name == "red.tif" and r.first == 0, times=2),),
            pauses_s=3,
        ),
        Case(
            name="503 eight times, Retry-After 7 s",
            faults=(Fault(kind=503, match=of("red"), times=8, retry_after="7"),),
            pauses_s=21,
            least_s=7,
        ),
        Case(
            name="503 four times, Retry-After a year",
            faults=(Fault(kind=503, match=of("red"), times=4, retry_after="31536000"),),
            pauses_s=120,
            least_s=60,
        ),
        Case(
            name="429 for one of two requests, 150 times",
            faults=(Fault(kind=429, match=unlucky(), times=150),),
            pauses_s=600,
        ),
        Case(name="500 for 100 requests in a row", faults=(Fault(kind=500, times=100),), pauses_s=900),
        Case(name="416 three times", faults=(Fault(kind=416, match=pixels_of("red"), times=3),), pauses_s=7),
        Case(name="a slow drip", faults=(Fault(kind="drip", match=pixels_of("red")),), pauses_s=60),
        Case(
            name="half the size said, three times (stale HEAD)",
            faults=(Fault(kind="stale", match=of("red"), times=3),),
            pauses_s=7,
        ),
        Case(
            name="a signed address: HEAD refused, GET allowed",
            faults=(Fault(kind=403, match=head, times=FOREVER),),
            query=signed,
        ),
        Case(
            name="404 for a file",
            faults=(Fault(kind=404, match=of("red"), times=FOREVER),),
            lost=16,
            words="red.tif: HTTP 404, there is no such file (",
        ),
        Case(
            name="403 for a file",
            faults=(Fault(kind=403, match=of("red"), times=FOREVER),),
            lost=16,
            words=denied,
            query=signed,
        ),
        Case(
            name="403 for a file in mid-read (signature expired)",
            faults=(Fault(kind=403, match=lambda r: r.name == "red.tif" and r.number > 30, times=FOREVER),),
            lost=12,
            words=denied,
            query=signed,
        ),
        Case(
            name="no byte ranges",
            faults=(Fault(kind="whole", times=FOREVER, match=of("red")),),
            lost=16,
            words="no parts of files",
        ),
        Case(
            name="bodies of a file always cut short",
            faults=(Fault(kind="short", times=FOREVER, match=pixels_of("red")),),
            lost=16,
            words="the host serves the file, but what came could not be read after",
            pauses_s=7,
        ),
        Case(
            name="503 for a file, for ever",
            faults=(Fault(kind=503, times=FOREVER, match=of("red")),),
            lost=16,
            words="HTTP 503 after",
            pauses_s=360,
        ),
    ]


@dataclass(frozen=True, kw_only=True)
class Result:
    requests: int
    lost: list[Unread]
    pauses_s: float
    seconds: float
    right: bool


def run(case: Case, scene: Scene, clock: StandingClock) -> Result:
    files = Files(folder=folder(scene), faults=list(case.faults))
    with serving(files) as root:
        started = time.monotonic()
        try:
            parts = list(read_cells(remote(scene, root, case.query), CELLS))
        except UnreadableError as error:
            parts = [Unread(index=index, error=error) for index in CELLS]
        seconds = time.monotonic() - started
    true = {part.index: part for part in read_cells(scene, CELLS)}
    right = all(np.array_equal(part.raw, true[part.index].raw) for part in parts if isinstance(part, CellPixels))
    return Result(
        requests=len(files.requests),
        lost=[part for part in parts if isinstance(part, Unread)],
        pauses_s=clock.time,
        seconds=seconds + clock.time,
        right=right and sorted(part.index for part in parts) == sorted(CELLS),
    )


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_each_fault_is_ridden_out_or_named(
    case: Case, scene: Scene, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    if any(fault.kind == "drip" for fault in case.faults):
        monkeypatch.setitem(gdal.OPTIONS, "GDAL_HTTP_LOW_SPEED_TIME", "1")
    result = run(case, scene, clock)
    sys.stdout.write(f"| {case.name} | {result.requests} | {len(result.lost)} | {result.seconds:.1f} |\n")
    assert result.right
    assert len(result.lost) == case.lost, result.lost[:1]
    assert all(case.words in str(part.error) for part in result.lost), str(result.lost[0].error)
    assert case.least_s <= result.pauses_s <= case.pauses_s
    assert not any("5ec4e7" in str(part.error) for part in result.lost), "signatures are in no outcome"


def test_a_server_that_is_away_for_a_minute_is_waited_for(
    scene: Scene, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections are refused meanwhile."""
    port = free_port()
    with ExitStack() as server:
        original = clock.sleep_until

        def sleep_until(moment: float) -> None:
            original(moment)
            with clock.lock:
                if clock.time >= 60 and not server_is_up():
                    server.enter_context(serving(Files(folder=folder(scene)), port))

        def server_is_up() -> bool:
            return bool(server._exit_callbacks)

        monkeypatch.setattr(clock, "sleep_until", sleep_until)
        parts = list(read_cells(remote(scene, f"http://127.0.0.1:{port}"), CELLS))
    assert all(isinstance(part, CellPixels) for part in parts)
    assert 60 <= clock.time < hosts.PATIENCE_S + 60


def test_names_that_are_not_resolved_for_a_minute_are_waited_for(
    scene: Scene, clock: StandingClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(Files(folder=folder(scene))) as root:
        away = remote(scene, root.replace("127.0.0.1", "scenes.invalid"))

        original = rasterio.open

        def opened(path: str) -> object:
            return original(path if clock.time < 60 else path.replace("scenes.invalid", "127.0.0.1"))

        monkeypatch.setattr(band.rasterio, "open", opened)
        parts = list(read_cells(away, CELLS))
    assert all(isinstance(part, CellPixels) for part in parts)
    assert 60 <= clock.time < hosts.PATIENCE_S + 60
    assert "the host's name cannot be resolved (DNS)" in caplog.text


def test_a_host_that_is_gone_costs_its_patience_once(scene: Scene, clock: StandingClock) -> None:
    """Not once for each file and each cell."""
    gone = remote(scene, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(UnreadableError, match="the host refuses connections after"):
        next(read_cells(gone, CELLS))
    first = clock.time
    assert hosts.PATIENCE_S <= first < hosts.PATIENCE_S + 60
    with pytest.raises(UnreadableError, match="the host refuses connections"):
        next(read_cells(gone, CELLS))
    cells = list(observe(gone, CELLS))
    assert {cell.error.reason for cell in cells if cell.error} == {"unreadable"}
    assert clock.time == first


def test_a_host_given_up_is_waited_for_again_once_it_has_answered(clock: StandingClock) -> None:
    host = hosts.Host("h")
    while host.failed("away"):
        clock.sleep_until(clock.time + 10)
    assert not host.failed("away")
    host.answered()
    assert host.failed("away")
    clock.sleep_until(clock.time + 10 * hosts.PATIENCE_S)
    assert host.failed("away"), "a failure long ago is forgotten"


def test_a_storm_narrows_and_answers_widen(scene: Scene, clock: StandingClock) -> None:
    """Fewer requests side by side while a host is overloaded; all cells come."""
    files = Files(folder=folder(scene), faults=[Fault(kind=503, times=90)], delay_s=0.005)
    with serving(files) as root:
        host = hosts.host_of(root)
        widths = []
        for part in read_cells(remote(scene, root), CELLS):
            assert isinstance(part, CellPixels)
            widths.append(host.width)
    assert widths[0] < 8
    assert widths[0] < widths[-1]
    assert 0 < clock.time < hosts.PATIENCE_WITH_BUSY_S


def test_threads_of_a_narrow_host_take_turns(clock: StandingClock) -> None:
    host, most, now, lock = hosts.Host("h"), 0, 0, threading.Lock()
    for _ in range(3):
        host.failed("away")
        clock.sleep_until(clock.time + 20)
    assert host.width == 2

    def work() -> None:
        nonlocal most, now
        for _ in range(20):
            with host.turn():
                with lock:
                    now += 1
                    most = max(most, now)
                time.sleep(0.001)
                with lock:
                    now -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_a_file_replaced_while_it_is_read_is_named(scene: Scene, clock: StandingClock, tmp_path: Path) -> None:
    """Another raster under the same address, its blocks at other places, lends no pixels to cells of the first."""
    served = tmp_path / "served"
    shutil.copytree(folder(scene), served)
    rng = np.random.default_rng(0)
    sheet = Sheet(west=SHEET.west + 2560, north=SHEET.north, side=SHEET.side)
    other = paint(tmp_path, sheet, lambda _, x, y: rng.integers(1, 9, (y.size, x.size)).astype(np.uint16), id="other")
    with serving(Files(folder=served)) as root:
        parts = read_cells(silent(remote(scene, root)), CELLS)
        first = next(parts)
        shutil.copy(other.assets["red"].href, served / "red.tif")
        rest = list(parts)
    assert isinstance(first, CellPixels)
    true = {part.index: part for part in read_cells(scene, CELLS)}
    lost = [part for part in rest if isinstance(part, Unread)]
    assert len(lost) >= 12
    assert all("the file was replaced by another one while it was read" in str(part.error) for part in lost)
    for part in rest:
        if isinstance(part, CellPixels):
            np.testing.assert_array_equal(part.raw, true[part.index].raw)


def silent(scene: Scene) -> Scene:
    """Its item does not say which rasters its files are."""
    assets = {key: asset.model_copy(update={"transform": None, "shape": None}) for key, asset in scene.assets.items()}
    return scene.model_copy(update={"assets": assets})


def test_classification_is_ridden_out_too(scene: Scene, clock: StandingClock) -> None:
    with serving(Files(folder=folder(scene), faults=[Fault(kind="short", match=pixels_of("scl"), times=2)])) as root:
        cells = list(observe(remote(scene, root), CELLS))
    assert all(cell.error is None for cell in cells)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, None), ("7", 7.0), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("-1", None)],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert answers._seconds(value) == seconds


@pytest.fixture
def bucket(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Scene, Files]]:
    """The scene, its files in a bucket of S3; and the server that is S3."""
    shutil.copytree(folder(scene), tmp_path / "bucket")
    files = Files(folder=tmp_path)
    with serving(files) as root:
        endpoint = {"AWS_S3_ENDPOINT": root.removeprefix("http://"), "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": "FALSE"}
        user = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": "us-west-2"}
        for name, value in (endpoint | user).items():
            monkeypatch.setenv(name, value)
        yield remote(scene, "s3://bucket"), files


def red_of(target: Scene) -> Band:
    return open_band(target, "red")


def test_a_bad_block_in_a_bucket_costs_its_cell_and_few_pauses(
    bucket: tuple[Scene, Files], scene: Scene, clock: StandingClock
) -> None:
    """S3 wants signed requests, so GDAL itself finds out whether the file is served."""
    target, files = bucket
    copy = scene.assets["red"].model_copy(update={"href": str(files.folder / "bucket/red.tif")})
    broken_block(scene.model_copy(update={"assets": {"red": copy}}), "red", 1, 2)
    with red_of(target) as red:
        with pytest.raises(UnreadableError, match="the host serves the file, but what came could not be read after"):
            red.strip(col=156, row=1342, cells=4)
        assert red.strip(col=156, row=1342, cells=2).any()
    assert clock.time <= 7


@pytest.mark.parametrize(("status", "words"), [(403, "may the nodes' role read it"), (404, "there is no such file")])
def test_what_a_bucket_refuses_is_named_at_once(
    bucket: tuple[Scene, Files], clock: StandingClock, status: int, words: str
) -> None:
    target, files = bucket
    files.faults.append(Fault(kind=status, match=of("bucket/red"), times=FOREVER))
    with pytest.raises(UnreadableError, match=f"red: s3://bucket/red.tif: HTTP {status}, .*{words}"), red_of(target):
        pass
    assert clock.time == 0


def test_a_busy_bucket_is_waited_for(bucket: tuple[Scene, Files], clock: StandingClock) -> None:
    target, files = bucket
    files.faults.append(Fault(kind=503, match=of("bucket/red"), times=20))
    with red_of(target) as red:
        assert red.strip(col=156, row=1342, cells=4).any()
    assert 0 < clock.time < hosts.PATIENCE_WITH_BUSY_S


def test_a_file_on_disk_is_tried_once(scene: Scene, clock: StandingClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persistence, "answer_for", lambda *_: pytest.fail("no host to request anything of"))
    assets = scene.assets | {"red": scene.assets["red"].model_copy(update={"href": "/none.tif"})}
    with pytest.raises(UnreadableError, match=r"red: /none\.tif"):
        next(read_cells(scene.model_copy(update={"assets": assets}), CELLS))
    assert clock.time == 0
