"""Step logs, put where EMR puts them."""

from __future__ import annotations

import gzip
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.local.steps.artefacts import split_uri

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)
_TRACEBACK = "Traceback (most recent call last):\n"
_LOST = (
    'Exception in thread "main" org.apache.spark.SparkException: Application {application} finished with failed status'
)


@dataclass(frozen=True, kw_only=True)
class StepLogs:
    """The logs of one step: files while it runs, objects afterwards.

    Attributes:
        folder: Local folder with `controller`, `stderr` and `stdout`.
        log_uri: The cluster's `LogUri`, or None when it keeps no logs.
        cluster_id: Cluster id.
        step_id: Step id.
        application: YARN application id of a step in cluster mode, else None.
    """

    folder: Path
    log_uri: str | None
    cluster_id: str
    step_id: str
    application: str | None = None

    def failure(self, exit_code: int) -> dict[str, str]:
        """`FailureDetails` as EMR writes them.

        In cluster mode the client knows only that the application failed; the traceback
        is in the container's logs. Otherwise the message is the last line of stderr.
        """
        if self.application:
            message = _LOST.format(application=self.application)
        else:
            lines = self._stderr().strip().splitlines()
            message = lines[-1].strip() if lines else f"exit code {exit_code}"
        return self.details("Unknown Error.", message)

    def details(self, reason: str, message: str) -> dict[str, str]:
        """`FailureDetails` with a given reason."""
        details = {"Reason": reason, "Message": message}
        if self.log_uri:
            details["LogFile"] = f"{self._base}/steps/{self.step_id}/stderr.gz"
        return details

    def publish(self, s3: Any, *, failed: bool) -> None:
        """Upload the logs, gzipped, to `<LogUri>/<cluster>/steps/<step>/`.

        A step in cluster mode has them under `containers/<application>/` too, as YARN
        would collect them. A cluster whose log bucket is missing loses its logs, as on EMR.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        if not self.log_uri:
            return
        targets = {f"steps/{self.step_id}/{name}.gz": name for name in ("controller", "stderr", "stdout")}
        if self.application:
            container = self.application.replace("application", "container") + "_01_000001"
            place = f"containers/{self.application}/{container}"
            targets |= {f"{place}/{name}.gz": name for name in ("stderr", "stdout")}
        bucket, prefix = split_uri(self._base)
        for target, name in targets.items():
            text = self._stderr() if name == "stderr" else self._text(name)
            if self.application and target.startswith("steps/") and name == "stderr":
                text = self._client_log(text, failed=failed)
            try:
                s3.put_object(Bucket=bucket, Key=f"{prefix}/{target}", Body=gzip.compress(text.encode()))
            except (ClientError, BotoCoreError) as error:
                _log.warning("logs of step %s are lost: %s", self.step_id, error)
                return

    @property
    def _base(self) -> str:
        return f"{(self.log_uri or '').rstrip('/')}/{self.cluster_id}"

    def _text(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    def _stderr(self) -> str:
        """Standard error, with the traceback that Spark moves to standard output.

        Spark's PythonRunner merges both streams of a Python driver into stdout; EMR's users
        look for tracebacks in stderr.
        """
        stderr, (_, mark, rest) = self._text("stderr"), self._text("stdout").rpartition(_TRACEBACK)
        return f"{stderr}{mark}{rest}" if mark and _TRACEBACK not in stderr else stderr

    def _client_log(self, driver: str, *, failed: bool) -> str:
        """What `spark-submit` prints in cluster mode, with the driver's own lines between."""
        first = f"INFO Client: Submitted application {self.application}\n"
        last = _LOST.format(application=self.application) + "\n" if failed else ""
        return f"{first}{driver}{last}"
