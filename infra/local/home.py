"""Folders and ready-made parts of a local stack: artefacts, demo world, Airflow's home."""

from __future__ import annotations

import os
import secrets
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from infra import package
from infra.java import java_home
from infra.local import client
from infra.local.deployed import DEMO_MODEL
from infra.local.options import AIRFLOW_KEY, REPOSITORY, user_cache

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.world.arguments import WorldArguments


OTHERS_WARNINGS = (
    # Airflow's own reading of .airflowignore, by a name that pathspec has given up.
    "ignore:GitWildMatchPattern ('gitwildmatch') is deprecated:DeprecationWarning",
    # Airflow starts each task by a fork.
    "ignore:This process (pid=:DeprecationWarning:airflow.sdk.execution_time.supervisor",
    # The amazon provider's hooks, by a name that Airflow has moved.
    "ignore:ProvidersManager.hooks is deprecated:FutureWarning",
)
"""Filters of warnings that code of others gives about itself, in every log: each by its words."""


QUIET = "airflow.providers.amazon.aws.hooks.base_aws.BaseSessionFactory=WARNING"
"""A logger of others, and its least level in logs: in each task it says that there is no connection of Airflow's, as on
MWAA. Those of botocore cannot be set: Airflow 3.3 minds the levels of its own kind of loggers alone."""


class HomeError(RuntimeError):
    """A part of the local stack could not be made; the message holds the end of the tool's output."""


@dataclass(frozen=True, kw_only=True)
class Home:
    """Where things lie.

    Attributes:
        state: The checkout's own, disposable state.
        cache: Per user, shared by checkouts.
    """

    state: Path = REPOSITORY / ".local"
    cache: Path = field(default_factory=user_cache)

    def python(self, environment: str) -> Path:
        """Interpreter of one of the three environments."""
        return REPOSITORY / f".venv/{environment}/bin/python"

    def java(self) -> str:
        """JAVA_HOME for Spark, the machine's or the one of the spark environment."""
        try:
            return java_home()
        except LookupError:
            return self._output([str(self.python("spark")), "-m", "infra.java"]).strip()

    def model(self, name: str = DEMO_MODEL) -> Path:
        """An encoder's artefact folder, built where this version of its code has not been yet."""
        command = [str(self.python("spark")), "-m", "model", "build", "--name", name]
        env = {**os.environ, "CLAYLAKE_CACHE": str(self.cache)}
        # Its standard error, on a download or a build that takes minutes, is for the user to read meanwhile.
        done = subprocess.run(command, cwd=REPOSITORY, env=env, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise HomeError(f"the encoder {name} could not be built, see above")
        return Path(done.stdout.splitlines()[-1])

    def artifacts(self, model: str = DEMO_MODEL) -> Path:
        """Everything that EMR steps load, as it lies in the bucket."""
        jars = REPOSITORY / ".cache/jars"
        return package.assemble(REPOSITORY, self.state / "artifacts", jars=jars, models=[self.model(model)])

    def world(self, months: Sequence[str], arguments: WorldArguments) -> Path:
        """The generated scenes of some months, in a folder of these arguments' own; only what is missing is painted.

        Raises:
            HomeError: It cannot be painted.
        """
        folder = self.cache / "world" / arguments.folder
        command = [str(self.python("spark")), "-m", "infra.world", "--out", str(folder), "--months", ",".join(months)]
        done = subprocess.run([*command, *arguments.options], cwd=REPOSITORY, check=False)
        if done.returncode:
            raise HomeError("the demo world could not be painted, see above")
        return folder

    @contextmanager
    def stack(self, data: Path | None, *arguments: str, model: str = DEMO_MODEL) -> Iterator[client.StackInfo]:
        """The local stack with this checkout's artefacts and one encoder, serving `data`."""
        options = ["--artifacts", str(self.artifacts(model)), "--java-home", self.java(), *arguments]
        if data is not None:
            options += ["--data", str(data.resolve())]
        with client.running(self.state / "stack", *options) as info:
            yield info

    def airflow_env(self, info: client.StackInfo, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Environment of an Airflow that works on the stack: its own home, our DAGs and plugins."""
        home = self.state / "airflow"
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "AWS_"))},
            **info.env,
            "AWS_ACCESS_KEY_ID": AIRFLOW_KEY,
            "AIRFLOW_HOME": str(home),
            # SQLite alone gives up after 5 s, in which a busy machine may not have let the one who writes finish.
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db?timeout=60",
            "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "AIRFLOW__API_AUTH__JWT_SECRET": self._secret(home / "jwt_secret"),
            # The last one wins: a user's own are after ours.
            "PYTHONWARNINGS": ",".join((*OTHERS_WARNINGS, *filter(None, [os.environ.get("PYTHONWARNINGS")]))),
            "AIRFLOW__LOGGING__NAMESPACE_LEVELS": QUIET,
            "CLAYLAKE_POLL_SECONDS": "0.5",
            "PATH": f"{self.python('airflow').parent}:{os.environ['PATH']}",
            # As on an MWAA worker, where the DAGs folder is on the path.
            "PYTHONPATH": str(REPOSITORY / "dags"),
            **(extra or {}),
        }

    def _secret(self, file: Path) -> str:
        """What tokens of the UI are signed with: the same at every start, so that an open page stays logged in."""
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(64), encoding="utf-8")
        return file.read_text(encoding="utf-8")

    def migrate(self, env: Mapping[str, str]) -> None:
        """Create or upgrade Airflow's database, a SQLite file."""
        self._output([str(self.python("airflow")), "-m", "airflow", "db", "migrate"], env)

    def _output(self, command: list[str], env: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise HomeError(f"{' '.join(command[:4])} failed:\n{(done.stdout + done.stderr)[-3000:]}")
        return done.stdout
