"""EMR's AWS SDK for Java is not older than that in Iceberg's bundle.

Both are on the class path of each step. A bundle works beside a newer SDK (tried with 2.35.5); an older one may lack
methods that the bundle calls.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from claylake.configuration.deployed import Deployed

JARS = Path(__file__).resolve().parents[2] / ".cache" / "jars"
OF_RELEASE = {"emr-7.14.0": "2.44.5"}
"""By EMR release, as its component versions say (noted 2026-11); a new release needs a line."""


def numbers(version):
    return tuple(map(int, version.split(".")))


def test_emrs_sdk_is_not_older_than_the_bundles():
    [bundle] = JARS.glob("iceberg-aws-bundle-*.jar") if JARS.exists() else [None]
    if bundle is None:
        pytest.skip("no jars in .cache/jars: run `make setup`")
    with zipfile.ZipFile(bundle) as jar:
        names = [name for name in jar.namelist() if re.search(r"software.amazon.awssdk/[^/]+/pom.properties$", name)]
        found = {re.search(r"(?m)^version=(\S+)", jar.read(name).decode())[1] for name in names}
    assert found
    release = Deployed.model_fields["release_label"].default
    assert max(map(numbers, found)) <= numbers(OF_RELEASE[release])
