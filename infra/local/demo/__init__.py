"""`make demo`: months through the real DAG on this machine, then a table, pictures and receipts."""
