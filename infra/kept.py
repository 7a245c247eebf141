"""What stays when the stacks of a stage are destroyed: ``python -m infra.kept sandbox``; `make destroy` shows it first.

Read from the templates, synthesised offline, so that it is what CloudFormation will do.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[1]
_KEPT = ("Retain", "RetainExceptOnCreate")
_ALWAYS = (
    "In any case: CDK's own bucket of assets stays, with what was uploaded; a KMS key that is deleted stays pending "
    "for 7 days. End running clusters first: their nodes hold the security groups (docs/deploy.md)."
)


def kept(assembly: Path) -> Iterator[str]:
    """Each resource that its stack leaves behind, e.g. ``AWS::S3::Bucket claylake-lake-<AccountId>``.

    Args:
        assembly: Folder of synthesised templates.
    """
    for path in sorted(assembly.glob("*.template.json")):
        resources = json.loads(path.read_text(encoding="utf-8"))["Resources"]
        for logical, resource in resources.items():
            if resource.get("DeletionPolicy") in _KEPT:
                yield f"{resource['Type']} {_name(resource.get('Properties', {})) or logical}"


def _name(properties: Mapping[str, Any]) -> str:
    given = properties.get("BucketName") or properties.get("DatabaseInput", {}).get("Name") or ""
    return _text(given)


def _text(value: Any) -> str:
    """A value of a template, with ``<...>`` for what only CloudFormation knows."""
    if isinstance(value, dict):
        (function, argument), *_ = value.items()
        if function == "Fn::Join":
            return str(argument[0]).join(map(_text, argument[1]))
        return f"<{str(argument).removeprefix('AWS::')}>"
    return str(value)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    from infra.app import build
    from infra.cloud.config import read_stage
    from infra.cloud.errors import DeployError
    from infra.cloud.sample import write_sample

    parser = argparse.ArgumentParser(prog="infra.kept", description="What stays when a stage's stacks are destroyed.")
    parser.add_argument("stage", help="one of the stages in cdk.json")
    stage = parser.parse_args(argv).stage
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    with tempfile.TemporaryDirectory() as folder:
        sample, out = write_sample(Path(folder) / "dist"), Path(folder) / "out"
        try:
            protect = read_stage(context["stages"], stage).protect
            build({**context, "stage": stage, "dist": str(sample), "aws:cdk:disable-asset-staging": True}, out).synth()
        except (DeployError, RuntimeError) as error:
            sys.stderr.write(f"{stage}: {error}\n")
            return 1
        found = list(kept(out))
    lines = [f"Destroying the stacks of {stage} keeps {'these:' if found else 'no resource of theirs.'}"]
    lines += [f"   {line}" for line in found]
    if protect:
        lines.append("The stacks are protected: their termination protection has to be lifted first.")
    sys.stdout.write("\n".join([*lines, _ALWAYS, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
