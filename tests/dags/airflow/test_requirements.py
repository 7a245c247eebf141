"""requirements.txt as MWAA 3.3.1 installs it.

Its image has Airflow with some extras under the constraints of Airflow 3.3.1, and runs ``pip install
--constraint <its own pins> -r requirements.txt`` over that (github.com/aws/amazon-mwaa-docker-images,
images/airflow/3.3.1). This environment is the result of the same request, so what is installed here must
satisfy it without a change, and pip would find it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.plugins.airflow_home import ROOT

CONSTRAINT = '--constraint "/usr/local/airflow/dags/constraints.txt"'
# What the image installs itself, as far as it matters to us: etc. are database drivers and Celery.
IMAGE = (
    "apache-airflow==3.3.1",
    "apache-airflow-providers-amazon[aiobotocore]",
    "apache-airflow-providers-fab",
    "apache-airflow-providers-standard",
)
# The pins that it lets nobody override (etc/mwaa_essential_constraints.txt).
FORCED = [
    "apache-airflow==3.3.1",
    "flask-appbuilder==5.2.2",
    "Flask-Babel==4.0.0",
    "Flask-JWT-Extended==4.7.4",
    "Flask-Limiter==4.1.1",
    "Flask-Login==0.6.3",
    "Flask-SQLAlchemy==3.1.1",
    "Flask-Session==0.8.0",
    "Flask-WTF==1.3.0",
    "Flask==3.1.3",
    "gunicorn==26.0.0",
    "billiard==4.2.4",
    "celery==5.6.3",
    "gevent==26.7.0",
    "greenlet==3.5.4",
    "kombu==5.6.2",
    "vine==5.1.0",
    "SQLAlchemy-Utils==0.42.1",
    "SQLAlchemy==2.0.51",
    "statsd==4.0.1",
    "watchtower==3.4.0",
    "fluent-logger==0.11.1",
]
MODULES = {"pystac-client": "pystac_client"}


def lines(path):
    return [line.strip() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]


def pins(items):
    pairs = (item.split("==") for item in items if "==" in item)
    return {canonicalize_name(name): version for name, version in pairs}


ASKED = [Requirement(line) for line in lines(ROOT / "requirements.txt") if not line.startswith("-")]
CONSTRAINTS = pins(lines(ROOT / "constraints.txt"))


def closure(requirements):
    """All that a request needs, by name; fails where what is installed does not satisfy one of them."""
    found, queue, seen = {}, [(requirement, "the request") for requirement in requirements], set()
    while queue:
        requirement, by = queue.pop()
        name = canonicalize_name(requirement.name)
        distribution = metadata.distribution(name)
        assert requirement.specifier.contains(distribution.version, prereleases=True), f"{requirement} of {by}"
        found[name] = distribution.version
        for extra in ("", *sorted(requirement.extras)):
            if (name, extra) not in seen:
                seen.add((name, extra))
                for line in distribution.requires or ():
                    needed = Requirement(line)
                    if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                        queue.append((needed, name))
    return found


@pytest.fixture(scope="module")
def image():
    return closure(map(Requirement, IMAGE))


def test_mwaa_keeps_to_our_constraints():
    """Without this line, as its first, MWAA would add the constraints of its own."""
    assert lines(ROOT / "requirements.txt")[0] == CONSTRAINT
    assert re.search(r"-c |--constraint ", CONSTRAINT), "how the image looks for it"


def test_constraints_are_those_of_airflow_and_agree_with_what_mwaa_forces():
    forced = pins(FORCED)
    # Airflow's own file leaves Airflow out.
    assert {name: CONSTRAINTS.get(name, version) for name, version in forced.items()} == forced
    assert len(CONSTRAINTS) > 600
    published = ROOT.parent / "shared/data/mwaa/constraints-3.3.1.txt"
    if published.is_file():
        airflow = pins(lines(published))
        assert {name: version for name, version in CONSTRAINTS.items() if name in airflow} == airflow
        assert set(CONSTRAINTS) - set(airflow) <= set(closure(ASKED)), "nothing but what requirements.txt brings along"


def test_the_request_has_a_solution_and_it_is_the_tested_one():
    """Every package that the request needs is here in a version that satisfies all who need it, and the constraints."""
    found = closure(ASKED)
    held = {name: version for name, version in found.items() if name in CONSTRAINTS}
    assert held == {name: CONSTRAINTS[name] for name in held}
    forced = pins(FORCED)
    assert {name: version for name, version in found.items() if forced.get(name, version) != version} == {}


def test_every_package_is_held_by_a_constraint():
    """Else an environment that is updated next year would get other packages than this year's."""
    assert set(closure(ASKED)) - set(CONSTRAINTS) == set()


def test_nothing_in_the_image_is_changed(image):
    """So Airflow's own packages stay as AWS tested them."""
    both = {name: version for name, version in closure(ASKED).items() if name in image}
    assert both == {name: CONSTRAINTS[name] for name in both if name in CONSTRAINTS}


def test_nothing_is_asked_for_that_the_image_has_or_nobody_imports(image):
    names = {canonicalize_name(each.name) for each in ASKED}
    assert not names & set(image)
    code = "".join(path.read_text() for room in ("dags", "plugins") for path in (ROOT / room).rglob("*.py"))
    unused = [name for name in names if not re.search(rf"(from|import) {MODULES.get(name, name)}\b", code)]
    assert unused == []


def test_the_installer_finds_nothing_to_do(tmp_path):
    """The image's own command, with another installer and the DAGs folder of this checkout; offline."""
    uv = os.environ.get("UV") or shutil.which("uv") or str(Path.home() / ".cache/claylake/uv/bin/uv")
    if not Path(uv).is_file():
        pytest.skip("no uv")
    (tmp_path / "forced.txt").write_text("\n".join(FORCED))
    text = (ROOT / "requirements.txt").read_text().replace("/usr/local/airflow/dags", str(ROOT))
    (tmp_path / "requirements.txt").write_text(text)
    command = [uv, "pip", "install", "--dry-run", "--offline", "--python", sys.executable]
    command += ["--constraint", str(tmp_path / "forced.txt"), "-r", str(tmp_path / "requirements.txt")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Would make no changes" in done.stderr
