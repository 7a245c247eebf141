"""The folder and the zip that steps load: an executor can run the encoder's weights with it, and finds no more of the model's build."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from claylake.vocabulary import STEPS
from infra.package import CODE, assemble, write_code

ROOT = Path(__file__).resolve().parents[2]


def test_the_folder_of_jobs_holds_the_steps_scripts_and_the_zip_what_they_share(tmp_path):
    (tmp_path / "jars").mkdir()
    out = assemble(ROOT, tmp_path / "out", jars=tmp_path / "jars", models=[])
    assert {path.name for path in (out / "jobs").iterdir()} == {f"{step}.py" for step in STEPS}
    with zipfile.ZipFile(out / CODE) as archive:
        assert {"spark/jobs/entry.py", "spark/report/page.css", "spark/report/page.js"} <= set(archive.namelist())


def test_the_list_of_tiles_is_read_from_the_zip_alone(tmp_path):
    target = tmp_path / "claylake.zip"
    write_code(ROOT, target)
    code = f"""
import sys
sys.path = [{str(target)!r}, *(path for path in sys.path if "site-packages" in path or "lib/python" in path)]
from claylake.area import tiles
print(tiles.tile_list().tiles, tiles.__file__)
"""
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["56686", f"{target}/claylake/area/tiles.py"]


def test_executors_run_weights_from_the_zip_alone(artefact, tmp_path):
    target = tmp_path / "claylake.zip"
    write_code(ROOT, target)
    with zipfile.ZipFile(target) as archive:
        assert {name for name in archive.namelist() if name.startswith("model/")} == {
            "model/__init__.py",
            "model/format.py",
            "model/lean.py",
            "model/processor.py",
            "model/program.py",
            "model/execution.py",
        }
    code = f"""
import sys
sys.path = [{str(target)!r}, *(path for path in sys.path if "site-packages" in path or "lib/python" in path)]
from pathlib import Path
from spark.encoding import load_encoder
import model.execution
model.execution._release = lambda version, versions=iter(("exported", "running")): next(versions)  # as if by another torch
encoder = load_encoder(Path({str(artefact)!r}), convention="blank", precision="fp32", device="cpu", batch=3)
import model.lean
print(encoder.path, model.lean.__file__)
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    path, module = done.stdout.split()
    assert path in {"eager", "eager+onednn"}
    assert module == f"{target}/model/lean.py"
