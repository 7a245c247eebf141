"""Run in a process of its own: build an artefact, check it, load two, and embed with each.

Arguments: where to build, an artefact from elsewhere, where to write the vectors. Prints JSON.
"""

import json
import logging
import sys
from pathlib import Path

import numpy as np

from model.__main__ import main
from model.processor import this_processor
from spark.encoding import load_encoder
from tests.spark.encoding.loading import WHEN, chips, places


def embed(folder: Path, precision: str) -> tuple[dict[str, str], np.ndarray]:
    encoder = load_encoder(folder, convention="tutorial", precision=precision, device="cpu", batch=4)
    result = encoder.run(encoder.prepare(chips(4), places(4), [WHEN] * 4))
    return {"precision": encoder.precision, "path": encoder.path}, result.vectors


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    out, foreign, target = map(Path, sys.argv[1:])
    made = ["build", "--name", "demo-random", "--arch", "cpu"]
    outcome = {"kind": this_processor().kind}
    outcome["codes"] = [main([*made, "--out", str(out / "default")])]
    outcome["codes"] += [main([*made, "--precision", "bf16", "--out", str(out / "named")])]
    outcome["codes"] += [main(["check", str(out / "named/demo-random")])]
    vectors = {}
    for name, folder, precision in (
        ("own", out / "default/demo-random", "auto"),
        ("foreign", foreign, "auto"),
        ("foreign_fp32", foreign, "fp32"),
        ("foreign_bf16", foreign, "bf16"),
    ):
        outcome[name], vectors[name] = embed(folder, precision)
    np.savez(target, **vectors)
    (target.parent / "outcome.json").write_text(json.dumps(outcome))
