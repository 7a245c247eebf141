"""The Iceberg lake: tables, branches, merging, audits, publication and maintenance."""
