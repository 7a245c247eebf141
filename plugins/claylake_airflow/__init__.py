"""Airflow's side of claylake: timetable, operators, triggers, links and run notes.

Plugins change only with an environment update, DAGs at once; `VERSION` lets the DAG files
refuse plugins that they were not written for (`claylake.compatibility`).
"""

VERSION = "5"
"""Raise it, here and in `claylake.compatibility`, when DAG files need something that older plugins lack."""
