"""Operators of the monthly DAGs: thin adapters over EMR; `claylake.cluster.job_flow` makes the requests."""

from claylake_airflow.operators.create import CreateClusterOperator
from claylake_airflow.operators.gpus import GpusDownOperator, GpusUpOperator
from claylake_airflow.operators.publish import PublishOperator
from claylake_airflow.operators.ready import WaitClusterReadyOperator
from claylake_airflow.operators.receipt import ReceiptOperator
from claylake_airflow.operators.step import StepOperator
from claylake_airflow.operators.terminate import TerminateClusterOperator
from claylake_airflow.operators.verdict import VerdictOperator

__all__ = [
    "CreateClusterOperator",
    "GpusDownOperator",
    "GpusUpOperator",
    "PublishOperator",
    "ReceiptOperator",
    "StepOperator",
    "TerminateClusterOperator",
    "VerdictOperator",
    "WaitClusterReadyOperator",
]
