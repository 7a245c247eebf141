import boto3
import pytest
from botocore.stub import ANY, Stubber

from claylake import store
from claylake.catalogue.manifest import read_manifest, write_manifest
from claylake.catalogue.packed import PackedScene
from claylake.catalogue.scene import Scene
from claylake.errors import StoreError


def test_plain_folders(tmp_path):
    uri = store.join(str(tmp_path), "a", "b.txt")
    assert not store.exists(uri)
    assert store.write(uri, b"1") == uri
    assert store.write(uri, b"22") == uri
    assert store.exists(uri)
    assert store.read(uri) == b"22"
    assert list(store.names(str(tmp_path))) == [uri]
    assert store.read(f"file://{uri}") == b"22"
    store.download(uri, tmp_path / "here")
    assert (tmp_path / "here").read_bytes() == b"22"


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_sizes_and_removing(tmp_path, scheme):
    folder = f"{scheme}{tmp_path}/data"
    assert store.sizes(folder) == {}
    uris = [store.write(store.join(folder, name), b"x" * size) for name, size in (("b/c", 3), ("a", 1))]
    assert store.sizes(folder) == {uris[1]: 1, uris[0]: 3}
    store.remove([uris[0], store.join(folder, "was never there")])
    assert store.sizes(folder) == {uris[1]: 1}


def test_objects_of_a_bucket_are_removed_a_thousand_at_a_time(s3):
    keys = [f"data/{number:04}" for number in range(1001)]
    for some in (keys[:1000], keys[1000:]):
        wanted = {"Bucket": "lake", "Delete": {"Objects": [{"Key": key} for key in some], "Quiet": True}}
        s3.add_response("delete_objects", {}, wanted)
    store.remove(f"s3://lake/{key}" for key in keys)
    s3.assert_no_pending_responses()
    s3.add_response("delete_objects", {"Errors": [{"Key": "data/1", "Code": "AccessDenied", "Message": "not allowed"}]})
    with pytest.raises(StoreError, match="cannot delete s3://lake/data/1: not allowed"):
        store.remove(["s3://lake/data/0", "s3://lake/data/1"])
    s3.add_client_error("list_objects_v2", "AccessDenied")
    with pytest.raises(StoreError, match="cannot list s3://lake/data"):
        store.sizes("s3://lake/data")


def test_what_cannot_be_read_or_written_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"cannot read .*gone"):
        store.read(str(tmp_path / "gone"))
    with pytest.raises(StoreError, match=r"cannot read .*gone"):
        store.download(str(tmp_path / "gone"), tmp_path / "here")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot write .*file/below"):
        store.write(str(tmp_path / "file" / "below"), b"")


def test_an_object_is_there_whole_or_not_at_all(tmp_path):
    uri = str(tmp_path / "a" / "b")
    with store.writing(uri) as sink:
        sink.write(b"first")
        assert not store.exists(uri)
    with pytest.raises(StoreError), store.writing(uri) as sink:
        raise BrokenPipeError(sink.write(b"sec"))
    assert store.read(uri) == b"first"
    assert list(store.names(str(tmp_path))) == [uri]
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot write .*file/below"), store.writing(f"{tmp_path}/file/below"):
        pass


@pytest.fixture
def s3(monkeypatch):
    client = boto3.client("s3", region_name="us-west-2", aws_access_key_id="testing", aws_secret_access_key="testing")
    monkeypatch.setattr(store, "_client", lambda: client)
    with Stubber(client) as stubber:
        yield stubber
    client.close()


def test_a_file_is_put_whole_into_a_bucket(s3):
    body, sent = ANY, []
    s3.client.meta.events.register(
        "before-parameter-build.s3.PutObject", lambda params, **_: sent.append(params["Body"].read())
    )
    s3.add_response("put_object", {}, {"Bucket": "lake", "Key": "a/b", "Body": body, "ContentType": "text/plain"})
    with store.writing("s3://lake/a/b", "text/plain") as sink:
        sink.write(b"one")
        sink.write(b"two")
    assert sent == [b"onetwo"]
    s3.add_client_error("put_object", "AccessDenied")
    with pytest.raises(StoreError, match=r"cannot write s3://lake/a/b: .*AccessDenied"), store.writing("s3://lake/a/b"):
        pass


def test_s3_uris():
    assert store.split_s3("s3://bucket/a/b") == ("bucket", "a/b")
    assert store.join("s3://bucket/", "a", "b") == "s3://bucket/a/b"
    for bad in ("http://bucket/a", "s3:///a", "a/b"):
        with pytest.raises(StoreError, match="is not an s3:// URI"):
            store.split_s3(bad)


def test_manifests_round_trip_to_equal_bytes(tmp_path, item):
    scenes = [Scene.from_item(item(f"S2B_33TWN_2024071{n}_0_L2A")) for n in range(3)]
    one, two = str(tmp_path / "1.gz"), str(tmp_path / "2.gz")
    write_manifest(one, [PackedScene.of(scene) for scene in scenes])
    write_manifest(two, map(PackedScene.of, scenes))
    assert read_manifest(one) == scenes
    assert store.read(one) == store.read(two)
    write_manifest(one, [])
    assert read_manifest(one) == []


@pytest.mark.parametrize(
    "data", [b"not gzip", b"\x1f\x8b\x08\x00", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff"]
)
def test_what_is_no_manifest_is_named(tmp_path, data):
    path = tmp_path / "scenes.ndjson.gz"
    path.write_bytes(data)
    with pytest.raises(StoreError, match="is not a scene manifest"):
        read_manifest(str(path))
