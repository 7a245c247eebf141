"""Ctrl-C in the middle of a month loses nothing: the same command goes on with what is there."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from tests.cli.conftest import claylake, command
from tests.cli.test_month import rows

pytestmark = [pytest.mark.beside, pytest.mark.timeout(900)]


def test_it_goes_on_with_the_chips_that_were_made(made, encoder, tmp_path):
    lake = tmp_path / "lake"
    options = [str(lake) if option == str(made.lake) else option for option in made.options]
    argv, env = command("run", *options)
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if line.startswith("extract"):
                process.send_signal(signal.SIGINT)
                break
        _, said = process.communicate()
    assert process.returncode == 130, said
    assert "the same command goes on from here" in said
    assert "Traceback" not in said
    (receipt,) = json.loads(claylake("run", *options, "--json").stdout)["months"]
    assert (receipt["outcome"], receipt["chips"]) == ("published", 0)
    assert receipt["present"] == receipt["month_chips"] == len(rows(made.lake, encoder, "chips"))
    keys = ("id", "content_digest")
    here, there = (
        sorted(tuple(row[key] for key in keys) for row in rows(each, encoder, "chips")) for each in (lake, made.lake)
    )
    assert here == there
