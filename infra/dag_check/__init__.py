"""`make dag-check`: whether AOI files and settings make usable DAGs, what they cost, and what a change does to history.

It needs neither a network nor AWS. `areas`, `bill`, `names` and `history` are functions of what was read; `earlier`
and `comparison` get the version to compare with, `parse` lets Airflow load the DAG files, in a process of its own, and
`page` is the text.
"""
