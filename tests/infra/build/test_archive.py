"""Archives depend on names, contents and executable bits, and on nothing else."""

import os
import subprocess
import tarfile
import zipfile

import pytest

from infra.build import members
from infra.build.archive import write_tar, write_zip

CONTENTS = {"b/two.txt": b"two" * 5, "a.py": b"print(1)\n", "c/deep/run": b"#!/bin/sh\n", "empty": b""}


def plant(folder, names, *, when, mode):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CONTENTS[name])
        path.chmod(0o755 if name.endswith("run") else mode)
        os.utime(path, (when, when))
    return folder


@pytest.fixture
def twins(tmp_path):
    """The same files, made in another order, at another time, with other permissions."""
    return (
        plant(tmp_path / "one", list(CONTENTS), when=1e9, mode=0o644),
        plant(tmp_path / "other", list(reversed(CONTENTS)), when=1.7e9, mode=0o600),
    )


def pack(folder, target, **options):
    write_tar(folder, list(CONTENTS), target, **options)
    return target.read_bytes()


def test_tar_tells_nothing_of_time_owner_or_order(twins, tmp_path):
    one, other = twins
    assert pack(one, tmp_path / "1.tar.gz") == pack(other, tmp_path / "2.tar.gz")


def test_tar_tells_contents_and_executables(twins, tmp_path):
    one, other = twins
    (other / "a.py").chmod(0o755)
    assert pack(one, tmp_path / "1.tar.gz") != pack(other, tmp_path / "2.tar.gz")


def test_tar_is_sorted_owned_by_root_and_readable_by_all(twins, tmp_path):
    pack(twins[1], tmp_path / "1.tar.gz")
    with tarfile.open(tmp_path / "1.tar.gz") as archive:
        found = archive.getmembers()
    assert [entry.name for entry in found] == sorted(CONTENTS)
    assert {(entry.uid, entry.gid, entry.mtime) for entry in found} == {(0, 0, 0)}
    assert {entry.name: entry.mode for entry in found} == {
        name: 0o755 if name.endswith("run") else 0o644 for name in CONTENTS
    }


def test_contents_may_be_replaced_and_links_stay_links(twins, tmp_path):
    folder = twins[0]
    (folder / "link").symlink_to("a.py")
    write_tar(folder, ["link", "a.py"], tmp_path / "1.tar.gz", instead={"a.py": b"other\n"})
    with tarfile.open(tmp_path / "1.tar.gz") as archive:
        assert archive.extractfile("a.py").read() == b"other\n"
        assert archive.getmember("link").linkname == "a.py"


@pytest.mark.parametrize("workers", [1, 5])
def test_members_are_one_stream_whoever_compresses_them(tmp_path, monkeypatch, workers):
    """Also for tar itself, which nodes use."""
    monkeypatch.setattr(members, "BLOCK", 1000)
    monkeypatch.setattr(members.os, "cpu_count", lambda: workers)
    folder = tmp_path / "in"
    folder.mkdir()
    content = bytes(range(256)) * 100
    (folder / "large").write_bytes(content)
    write_tar(folder, ["large"], tmp_path / "1.tar.gz")
    assert (tmp_path / "1.tar.gz").read_bytes().count(b"\x1f\x8b\x08") >= len(content) // 1000
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "-xzf", str(tmp_path / "1.tar.gz"), "-C", str(tmp_path / "out")], check=True)
    assert (tmp_path / "out/large").read_bytes() == content
    monkeypatch.setattr(members.os, "cpu_count", lambda: 3)
    write_tar(folder, ["large"], tmp_path / "2.tar.gz")
    assert (tmp_path / "1.tar.gz").read_bytes() == (tmp_path / "2.tar.gz").read_bytes()


def test_a_failed_archive_leaves_nothing_that_looks_whole(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_tar(tmp_path, ["no such file"], tmp_path / "1.tar.gz")
    assert not (tmp_path / "1.tar.gz").exists()


def test_zip_tells_nothing_of_time_or_order(twins, tmp_path):
    for number, (folder, names) in enumerate(zip(twins, (list(CONTENTS), list(reversed(CONTENTS))), strict=True)):
        write_zip([(folder / name, name) for name in names], tmp_path / f"{number}.zip")
    assert (tmp_path / "0.zip").read_bytes() == (tmp_path / "1.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "0.zip") as archive:
        assert archive.namelist() == sorted(CONTENTS)
        assert archive.testzip() is None
