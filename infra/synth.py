"""Synthesise every stage of ``cdk.json`` offline, have cdk-nag check it, and print the findings.

``python -m infra.synth``: templates go to ``cdk.out/<stage>``. Where ``dist/`` has not been built, a build of a few
bytes stands in: stacks do not depend on what is in the files. So it does for a stage that does not take the build's
encoder, and that is said.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OUT = ROOT / "cdk.out"


def synthesise(stage: str, context: dict[str, Any], dist: Path, out: Path) -> list[str]:
    """One stage; lines of its report.

    Args:
        stage: Its name, one of the context's `stages`.
        context: CDK's context, as in ``cdk.json``.
        dist: Folder of the build.
        out: Folder for the templates.

    Raises:
        RuntimeError: A check has found something; CDK has printed what.
        DeployError: The stage or the build is not as it should be.
    """
    from infra.app import build

    # Assets stay where they are: a build has gigabytes.
    build({**context, "stage": stage, "dist": str(dist), "aws:cdk:disable-asset-staging": True}, out).synth()
    reports = json.loads((out / "validation-report.json").read_text(encoding="utf-8"))["pluginReports"]
    found = sum(len(report["violations"]) for report in reports)
    answers = [answer for report in reports for answer in report.get("suppressedViolations", [])]
    templates = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(out.glob("*.template.json"))]
    resources = Counter(one["Type"] for template in templates for one in template["Resources"].values())
    counts = f"{len(templates)} stacks, {resources.total()} resources; {found} findings, {len(answers)} acknowledged"
    return [
        f"{stage}: {counts}",
        *(f"   {answer['ruleName'].removeprefix('AwsSolutions-')}\n      {answer['reason']}" for answer in answers),
    ]


def _synthesise_accepted(stage: str, context: dict[str, Any], dists: tuple[Path, Path]) -> list[str]:
    """With the build, or with the stand-in where the stage does not take the build's encoder."""
    from infra.cloud.errors import PinError

    dist, sample = dists
    try:
        return synthesise(stage, context, dist, OUT / stage)
    except PinError as error:
        sys.stdout.write(f"{stage}: with the stand-in, since {error}\n")
        return synthesise(stage, context, sample, OUT / stage)


def main() -> int:
    """Command line: ``--reasons`` also prints each acknowledged finding with its reason."""
    from infra.build.manifest import BUILD_MANIFEST
    from infra.cloud.errors import DeployError
    from infra.cloud.sample import write_sample

    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    shown = slice(None) if "--reasons" in sys.argv[1:] else slice(1)
    with tempfile.TemporaryDirectory() as folder:
        real = ROOT / str(context["dist"])
        sample = write_sample(Path(folder))
        dist = real if (real / BUILD_MANIFEST).exists() else sample
        sys.stdout.write(f"build: {'dist/' if dist == real else 'none, a stand-in of a few bytes'}\n")
        for stage in context["stages"]:
            try:
                lines = _synthesise_accepted(stage, context, (dist, sample))
            except (DeployError, RuntimeError) as error:
                sys.stderr.write(f"{stage}: {error}\n")
                return 1
            sys.stdout.write("\n".join(lines[shown]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
