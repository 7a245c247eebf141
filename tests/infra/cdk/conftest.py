"""Both stages, synthesised once: starting CDK takes seconds."""

import json
from pathlib import Path

import pytest

from infra.app import build
from tests.infra.cdk.dist import make_dist
from tests.infra.cdk.templates import Templates

ROOT = Path(__file__).parents[3]
CONTEXT = json.loads((ROOT / "cdk.json").read_text())["context"]


def changed(stage, **sections):
    """The context with a stage's sections changed."""
    stages = json.loads(json.dumps(CONTEXT["stages"]))
    for name, values in sections.items():
        stages[stage][name] = {**stages[stage].get(name, {}), **values} if isinstance(values, dict) else values
    return {**CONTEXT, "stage": stage, "stages": stages}


@pytest.fixture(scope="session")
def dist(tmp_path_factory):
    return make_dist(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def synth(dist, tmp_path_factory):
    """Synthesise a context; gives the templates."""

    def run(context):
        out = tmp_path_factory.mktemp("cdk.out")
        build({**context, "dist": str(dist)}, out).synth()
        return Templates.read(out, context["stages"][context["stage"]]["name"])

    return run


@pytest.fixture(scope="session")
def sandbox(synth):
    return synth(changed("sandbox"))


@pytest.fixture(scope="session")
def production(synth):
    return synth(changed("production"))


@pytest.fixture(scope="session")
def by_glue(synth):
    """A sandbox whose tables Glue's optimizers tidy."""
    return synth(changed("sandbox", lake={"maintenance": "glue"}))


@pytest.fixture(params=["sandbox", "production"])
def stage(request):
    return request.getfixturevalue(request.param)
