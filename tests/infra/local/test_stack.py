"""The stack as a process: it starts whole, writes where it is, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from infra.local import client
from tests.infra.local.clusters import ENDLESS, add, is_alive, run_cluster, step
from tests.infra.local.clusters import client as aws
from tests.shared.waiting import until_one_of

MAIN = [sys.executable, "-m", "infra.local"]


def children(pid):
    """Processes whose parent is the given one."""
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listing.splitlines()]
    return {child for child, parent in pairs if parent == pid}


def busy(info):
    """Processes of a stack with a step under way: itself, rustac and the step."""
    emr = aws(info, "emr")
    add(emr, run_cluster(emr), step(*ENDLESS))
    until_one_of(lambda: len(info.steps()), (1,))
    pids = {info.pid, *children(info.pid)}
    assert {info.steps()[0]["pid"]} < pids
    assert len(pids) == 3
    return pids


def unsigned(info, key):
    """Status and body of an object for a client without credentials, such as a browser."""
    try:
        with urllib.request.urlopen(f"{info.endpoint}/claylake-local/{key}", timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, b""


def gone(pids):
    until_one_of(lambda: [pid for pid in pids if is_alive(pid)], ([],))


@pytest.mark.slow
def test_stack_tells_where_it_is_and_stops_clean(tmp_path, data):
    artifacts = tmp_path / "artifacts"
    (artifacts / "jobs").mkdir(parents=True)
    (artifacts / "jobs/extract.py").write_text("print(1)")
    root = tmp_path / "root"
    with client.running(root, "--data", str(data), "--artifacts", str(artifacts)) as info:
        assert json.loads((root / "stack.json").read_text()) == info.document
        assert info.env["AWS_ENDPOINT_URL"] == info.endpoint
        deployed = json.loads((root / "deployed.json").read_text())
        assert info.env["CLAYLAKE_DEPLOYED"] == str(root / "deployed.json")
        assert deployed["catalogue"]["url"] == info.stac_url
        assert deployed["deployed"]["lake"] == info.lake == "s3://claylake-local"
        assert aws(info, "glue").get_database(Name="claylake")["Database"]["Name"] == "claylake"
        body = aws(info, "s3").get_object(Bucket="claylake-local", Key="artifacts/jobs/extract.py")["Body"]
        assert body.read() == b"print(1)"
        aws(info, "s3").put_object(
            Bucket="claylake-local", Key="runs/r/index.html", Body=b"page", ContentType="text/html"
        )
        assert unsigned(info, "runs/r/index.html") == (200, b"page")
        assert unsigned(info, "artifacts/jobs/extract.py")[0] == 403
        again = subprocess.run([*MAIN, "up", "--root", str(root)], capture_output=True, text=True, check=False)
        assert again.returncode == 1
        assert "already runs" in again.stderr
        pids = busy(info)
    gone(pids)
    assert not (root / "stack.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_stack_dies_with_its_parent_and_its_children_with_it(tmp_path, number):
    # The parent starts the stack as tests do, and is killed while a step runs.
    program = "import sys, pathlib, time; from infra.local import client; client.launch(pathlib.Path(sys.argv[1])); time.sleep(3600)"
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    until_one_of(lambda: client.read_info(tmp_path) is not None, (True,))
    info = client.read_info(tmp_path)
    pids = busy(info)
    if number == signal.SIGKILL:
        # The stack itself is killed without a chance to clean up; the kernel ends its children.
        os.kill(info.pid, number)
    parent.kill()
    parent.wait()
    gone(pids)


@pytest.mark.slow
def test_up_and_down_as_commands(tmp_path):
    up = subprocess.run([*MAIN, "up", "--root", str(tmp_path)], capture_output=True, text=True, check=True)
    info = client.read_info(tmp_path)
    assert info.endpoint in up.stdout
    subprocess.run([*MAIN, "down", "--root", str(tmp_path)], check=True, capture_output=True)
    gone({info.pid})
    down = subprocess.run([*MAIN, "down", "--root", str(tmp_path)], check=True, capture_output=True, text=True)
    assert "no stack runs" in down.stdout


def test_failing_start_says_why(tmp_path):
    with pytest.raises(client.StackFailedError, match="nowhere does not exist"):
        client.launch(tmp_path, ["--data", str(tmp_path / "nowhere")])
