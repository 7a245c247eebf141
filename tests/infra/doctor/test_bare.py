"""The doctor before set-up, in a checkout of its own, with the Pythons that machines bring."""

import ast
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PYENV = Path.home() / ".pyenv/versions"
TOOLS = ("bash", "sh", "env", "head", "dirname", "nice", "make", "awk")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """The files, and nothing that set-up makes."""
    folder = tmp_path_factory.mktemp("bare") / "claylake"
    for part in ("infra", "model", "locks"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", folder)
    return folder


@pytest.fixture
def path(tmp_path):
    """A PATH with a few tools and nothing else."""
    folder = tmp_path / "path"
    folder.mkdir()
    for tool in TOOLS:
        if found := shutil.which(tool):
            (folder / tool).symlink_to(found)
    return folder


def doctor(checkout, path, home, *arguments):
    environment = {
        "PATH": str(path),
        "HOME": str(home),
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_NO_CACHE_DIR": "1",
    }
    return subprocess.run(
        ["make", "--no-print-directory", "doctor", *arguments],
        cwd=checkout, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def pythons():
    yield pytest.param(Path(sys.executable), id="infra")
    for version in ("3.9", "3.13"):
        found = sorted(PYENV.glob(f"{version}.*/bin/python3"))
        absent = pytest.mark.skip(reason=f"no Python {version} among pyenv's")
        yield pytest.param(found[0] if found else None, id=version, marks=() if found else absent)


@pytest.mark.parametrize("python", list(pythons()))
def test_says_what_is_missing_and_never_breaks(checkout, path, tmp_path, python):
    # A link would hide from an environment's Python where it lives.
    (path / "python3").write_text(f'#!/bin/sh\nexec "{python}" "$@"\n')
    (path / "python3").chmod(0o755)
    done = doctor(checkout, path, tmp_path)
    assert "Traceback" not in done.stdout + done.stderr
    lines = done.stdout.splitlines()
    reported = {line[9:23].strip(): line for line in lines if line[:9].strip() in {"ok", "warning", "missing"}}
    assert list(reported) == [
        *("system", "make", "python", "uv", "java", "node", "disk", "memory", "ports", "processor", "gpu"),
        *("environments", "jars", "caches", "index", "settings"),
    ]
    assert "make setup brings 17" in reported["java"] or (
        platform.machine() == "aarch64" and "no package" in reported["java"]
    )
    assert "none yet" in reported["environments"]
    assert "will embed" in reported["processor"]
    # The index of this environment is a port where nobody listens.
    assert reported["index"].startswith(("missing", "warning"))
    assert done.returncode == (2 if any(line.startswith("missing") for line in lines) else 0), done.stderr


def test_a_shim_that_starts_nothing_is_passed_over(checkout, path, tmp_path):
    (path / "python3").write_text("#!/bin/sh\necho 'pyenv: python3: command not found' >&2\nexit 127\n")
    (path / "python3").chmod(0o755)
    (path / "python3.12").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (path / "python3.12").chmod(0o755)
    done = doctor(checkout, path, tmp_path)
    assert "system" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_an_old_python_is_named(checkout, path, tmp_path):
    for name in ("python3", "python3.12"):
        (path / name).write_text("#!/bin/sh\necho 'it is 3.6.15' >&2\nexit 1\n")
        (path / name).chmod(0o755)
    script = (checkout / "infra/python").read_text().replace("/usr/bin/python3", "/nowhere/python3")
    (checkout / "infra/python.test").write_text(script)
    done = subprocess.run(
        ["bash", "infra/python.test", "-c", "1"], cwd=checkout, env={"PATH": str(path), "HOME": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        "no Python 3.9 or newer starts here; python3 does not do: it is 3.6.15; install one, or put one on PATH\n"
    )


HOUSE = ("infra", "model")


def imports(tree):
    """What a module imports when it is loaded, as (module, name in it or None)."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module, alias.name) for alias in node.names)


def files(module):
    """The files that loading a module of the house runs: its own, if it is one, and those of the packages around it."""
    parts = module.split(".")
    for number in range(1, len(parts) + 1):
        place = ROOT.joinpath(*parts[:number])
        yield from (path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file())


def before_set_up():
    """The doctor, and the processor's module, which it runs; and all of the house that they import."""
    queue = [*(ROOT / "infra/doctor").rglob("*.py"), ROOT / "model/processor.py"]
    queue += [file for top in HOUSE for file in files(top)]
    found = set()
    while queue:
        file = queue.pop()
        if file not in found:
            found.add(file)
            for module, name in imports(ast.parse(file.read_text())):
                if module.partition(".")[0] in HOUSE:
                    queue += files(f"{module}.{name}" if name else module)
    return sorted(found)


BEFORE_SET_UP = before_set_up()


def test_the_doctor_asks_java_node_and_jars():
    assert {"java.py", "node.py", "jars.py", "ports.py"} < {path.name for path in BEFORE_SET_UP}


@pytest.mark.parametrize("file", BEFORE_SET_UP, ids=lambda file: str(file.relative_to(ROOT)))
def test_what_runs_before_set_up_is_python_39_and_imports_itself_and_the_standard_library(file):
    tree = ast.parse(file.read_text(), feature_version=(3, 9))
    tops = {module.partition(".")[0] for module, _ in imports(tree)}
    assert tops <= {*sys.stdlib_module_names, *HOUSE}
