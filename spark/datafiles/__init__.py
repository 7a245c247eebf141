"""Data files of an Iceberg table, written where their rows are made: Parquet, and what Iceberg keeps of it."""
