import pytest

from claylake import store
from claylake.catalogue.manifest import read_manifest, write_manifest
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


def test_what_cannot_be_read_or_written_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"cannot read .*gone"):
        store.read(str(tmp_path / "gone"))
    with pytest.raises(StoreError, match=r"cannot read .*gone"):
        store.download(str(tmp_path / "gone"), tmp_path / "here")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot write .*file/below"):
        store.write(str(tmp_path / "file" / "below"), b"")


def test_s3_uris():
    assert store.split_s3("s3://bucket/a/b") == ("bucket", "a/b")
    assert store.join("s3://bucket/", "a", "b") == "s3://bucket/a/b"
    for bad in ("http://bucket/a", "s3:///a", "a/b"):
        with pytest.raises(StoreError, match="is not an s3:// URI"):
            store.split_s3(bad)


def test_manifests_round_trip_to_equal_bytes(tmp_path, item):
    scenes = [Scene.from_item(item(f"S2B_33TWN_2024071{n}_0_L2A")) for n in range(3)]
    one, two = str(tmp_path / "1.gz"), str(tmp_path / "2.gz")
    write_manifest(one, scenes)
    write_manifest(two, iter(scenes))
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
