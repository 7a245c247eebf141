"""The extract step: the thin Spark side of candidates, observe, choose, read and write."""
