"""The Iceberg lake: tables, branches, merging, audits, publishing and upkeep."""
