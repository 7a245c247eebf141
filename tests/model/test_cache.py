import os
import time
from dataclasses import replace

import pytest

from model.cache import UNUSED_S, build_folder, build_key, cache_folder
from model.format import USERS
from model.pin import Pin

FORMS = {"fp32": "onednn"}


def test_builds_long_out_of_use_go_and_the_one_in_use_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("CLAYLAKE_CACHE", str(tmp_path))
    here, other = build_folder("cpu", 1, FORMS), build_folder("cpu", 2, FORMS)
    assert here != other
    (here / "demo").mkdir()
    (here / "demo/weights").touch()
    recent, old = (time.time() - UNUSED_S + seconds for seconds in (3600, -3600))
    for folder, then in ((here, old), (other, recent)):
        os.utime(folder, (then, then))
    assert build_folder("cpu", 1, FORMS) == here
    assert (here / "demo/weights").exists()  # old, and requested again
    assert other.exists()
    os.utime(here, (old, old))
    assert build_folder("cpu", 2, FORMS) == other
    assert not here.exists()


def test_the_key_tells_pins_apart_and_who_trusts_them():
    pin = Pin(repo="a/b", file="c.ckpt", revision="0" * 40, sha256="1" * 64)
    others = (None, replace(pin, by=USERS), replace(pin, revision="2" * 40), replace(pin, sha256="3" * 64))
    assert len({build_key("cpu", 1, FORMS, each) for each in (pin, *others)}) == 1 + len(others)
    assert build_key("cpu", 1, FORMS, pin) == build_key("cpu", 1, FORMS, replace(pin))


@pytest.mark.parametrize("empty", ["CLAYLAKE_CACHE", "XDG_CACHE_HOME"])
def test_an_empty_variable_counts_as_none(monkeypatch, empty):
    """Else builds would lie, and be cleared away, below wherever the command was started."""
    monkeypatch.delenv("CLAYLAKE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    usual = cache_folder()
    assert usual.is_absolute()
    monkeypatch.setenv(empty, "")
    assert cache_folder() == usual
