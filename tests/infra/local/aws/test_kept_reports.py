"""A report has the same address, and is the same page there, after the stack has ended and started again."""

import urllib.error
import urllib.request
from urllib.parse import quote

import pytest

from infra.local import client
from infra.local.ports import preferred_port
from tests.infra.local.clusters import client as aws

RUN = "runs/claylake_adhoc/2024-08/manual__2024-11-30T10:00:00+00:00"
PAGE = f"{RUN}/report/index.html"


def fetch(info, key):
    """Status, media type and body of an object for a browser, which signs nothing."""
    try:
        with urllib.request.urlopen(f"{info.endpoint}/claylake-local/{quote(key)}", timeout=60) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, "", b""


def put(info, key, body, media="text/html"):
    aws(info, "s3").put_object(Bucket="claylake-local", Key=key, Body=body, ContentType=media)


@pytest.mark.slow
def test_a_report_outlives_the_stack(tmp_path):
    places = ("--reports", str(tmp_path / "reports"), "--port")
    with client.running(tmp_path / "root", *places, str(preferred_port(0))) as info:
        put(info, PAGE, b"first")
        put(info, PAGE, b"<h1>month</h1>")
        put(info, f"{RUN}/receipt.json", b"{}", "application/json")
        s3 = aws(info, "s3")
        place = {"Bucket": "claylake-local", "Key": f"{RUN}/report/mosaic.png"}
        upload = s3.create_multipart_upload(**place, ContentType="image/png")["UploadId"]
        tag = s3.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"\x89PNG" * 99)["ETag"]
        assert fetch(info, place["Key"])[0] == 404, "it is not whole yet"
        parts = {"Parts": [{"ETag": tag, "PartNumber": 1}]}
        s3.complete_multipart_upload(**place, UploadId=upload, MultipartUpload=parts)
        pages = [fetch(info, key) for key in (PAGE, place["Key"])]
        assert pages == [(200, "text/html", b"<h1>month</h1>"), (200, "image/png", b"\x89PNG" * 99)]
        before = info.endpoint
    port = preferred_port(int(before.rpartition(":")[2]))
    with client.running(tmp_path / "root", *places, str(port)) as info:
        assert info.endpoint == before
        assert [fetch(info, key) for key in (PAGE, place["Key"])] == pages
        assert fetch(info, f"{RUN}/receipt.json")[0] != 200, "only reports are kept"
        assert fetch(info, f"runs/../{RUN}/report/none.html")[0] != 200
        put(info, PAGE, b"new")
        assert fetch(info, PAGE)[2] == b"new"
    kept = sorted(path.name for path in (tmp_path / "reports").rglob("*") if path.is_file())
    assert kept == ["index.html", "mosaic.png"]
