"""COGs are served by range, byte for byte, and nothing else of the machine is."""

import http.client
from urllib.parse import urlsplit

import pytest

PATH = "/sentinel-cogs/scene/B02.tif"


def fetch(stack, method, path, **headers):
    connection = http.client.HTTPConnection(urlsplit(stack.endpoint).netloc, timeout=60)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


@pytest.fixture
def content(data):
    return (data / "scene/B02.tif").read_bytes()


@pytest.mark.parametrize(
    ("span", "cut"),
    [
        ("0-0", slice(0, 1)),
        ("0-32767", slice(0, 32768)),
        ("100-355", slice(100, 356)),
        ("102000-", slice(102000, None)),
        ("-10", slice(-10, None)),
        ("102000-999999", slice(102000, None)),
    ],
)
def test_range_equals_the_files_bytes(stack, content, span, cut):
    answer, body = fetch(stack, "GET", PATH, Range=f"bytes={span}")
    assert (answer.status, body) == (206, content[cut])
    assert answer.headers["Content-Range"].endswith(f"/{len(content)}")
    assert int(answer.headers["Content-Length"]) == len(body)


def test_whole_file_head_and_several_ranges(stack, content):
    answer, body = fetch(stack, "GET", PATH)
    assert (answer.status, body) == (200, content)
    assert answer.headers["Accept-Ranges"] == "bytes"
    answer, body = fetch(stack, "HEAD", PATH)
    assert (answer.status, int(answer.headers["Content-Length"]), body) == (200, len(content), b"")
    answer, body = fetch(stack, "GET", PATH, Range="bytes=0-1,5-6")
    assert (answer.status, body) == (200, content)


def test_range_beyond_the_end_is_refused(stack):
    assert fetch(stack, "GET", PATH, Range="bytes=999999-")[0].status == 416


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/sentinel-cogs/scene/none.tif", 404),
        ("/sentinel-cogs/scene", 404),
        ("/sentinel-cogs/../secret", 403),
        ("/sentinel-cogs/%2e%2e/%2e%2e/etc/passwd", 403),
        ("/sentinel-cogs/scene/../../../etc/passwd", 403),
        ("/sentinel-cogs//etc/passwd", 403),
        ("/sentinel-cogs/link/passwd", 403),
    ],
)
def test_nothing_outside_the_folder_is_served(stack, data, path, status):
    link = data / "link"
    if not link.is_symlink():
        link.symlink_to("/etc")
    assert fetch(stack, "GET", path)[0].status == status


def test_bucket_is_read_only(stack, s3, content):
    with pytest.raises(s3.exceptions.ClientError, match="MethodNotAllowed"):
        s3.put_object(Bucket="sentinel-cogs", Key="scene/new.tif", Body=b"x")
    got = s3.get_object(Bucket="sentinel-cogs", Key="scene/B02.tif", Range="bytes=3-9")
    assert got["Body"].read() == content[3:10]


def test_requests_and_bytes_are_counted(stack):
    stack.reads(reset=True)
    fetch(stack, "GET", PATH, Range="bytes=0-99")
    fetch(stack, "GET", PATH, Range="bytes=200-249")
    fetch(stack, "HEAD", PATH)
    counts = stack.reads(reset=True)
    assert counts == {"requests": 3, "bytes": 150, "paths": {PATH: {"requests": 3, "bytes": 150}}}
    assert stack.reads()["requests"] == 0
