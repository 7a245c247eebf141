"""The CDK app: ``python -m infra.app`` synthesises, offline; ``cdk.json`` has the stages' arguments.

Context: ``stage`` (which of ``stages``), ``dist`` (folder that ``make build`` has filled).
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infra import node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import App

ROOT = Path(__file__).parents[1]
_log = logging.getLogger(__name__)


def build(context: Mapping[str, object] | None = None, outdir: Path | None = None) -> App:
    """The app with the stacks of one stage, checked by cdk-nag when it is synthesised.

    Args:
        context: Wins over what the CLI hands over.
        outdir: Where the assembly goes; None leaves it to the CLI.

    Raises:
        DeployError: The stage or the build is not as it should be, or the stage does not take the build's encoder.
    """
    node.use()
    from aws_cdk import App, Validations
    from cdk_nag import AwsSolutionsChecks

    from infra.cloud.config import read_stage
    from infra.cloud.dist import read_dist, read_settings
    from infra.cloud.pins import check_pins
    from infra.cloud.stacks import Parts, deploy

    app = App(context=dict(context or {}), outdir=str(outdir) if outdir else None)
    stage = read_stage(app.node.try_get_context("stages"), str(app.node.try_get_context("stage")))
    dist = read_dist(ROOT / str(app.node.try_get_context("dist") or "dist"))
    for doubt in check_pins(stage, dist):
        _log.warning("%s", doubt)
    deploy(app, Parts(stage=stage, dist=dist, settings=read_settings(dist.mwaa("dags"))))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))
    return app


def main() -> int:
    """Command line, as the CDK CLI calls it."""
    from infra.cloud.errors import DeployError

    try:
        build().synth()
    except (DeployError, RuntimeError) as error:
        # What a check has found, CDK has printed already; jsii raises RuntimeError for whatever CDK throws.
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
