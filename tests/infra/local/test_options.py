"""What a step's process finds in its environment."""

from __future__ import annotations

from infra.local.options import PROCESSOR, StackOptions
from model import processor


def test_a_step_inherits_who_runs_it_and_the_processor_alone(tmp_path):
    inherited = {"HOME": "/home/me", "CLAYLAKE_CPU": "avx2", "AWS_PROFILE": "mine", "PYTHONPATH": "/elsewhere"}
    found = StackOptions(root=tmp_path).step_environment("http://127.0.0.1:1", inherited)
    assert (found["HOME"], found["CLAYLAKE_CPU"]) == ("/home/me", "avx2")
    assert not {"AWS_PROFILE", "PYTHONPATH"} & set(found)


def test_all_that_makes_a_machine_play_another_reaches_its_steps():
    limits = {variable for limit in processor._LIMITS.values() for variable in limit}
    assert set(PROCESSOR) == {processor.VARIABLE, *limits}
