"""The stand-in for a build, with settings that differ from the built-in ones, so that tests see them used."""

import io
import zipfile

from infra.cloud.sample import FILES as SAMPLE
from infra.cloud.sample import write_sample

SETTINGS = {"mwaa/dags/settings.yaml": b"maintenance:\n  snapshot_days: 9\ncluster:\n  max_hours: 6\n"}
FILES = {**SAMPLE, **SETTINGS}


def make_dist(folder):
    return write_sample(folder, SETTINGS)


def zipped(files):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return body.getvalue()
