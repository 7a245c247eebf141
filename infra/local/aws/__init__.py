"""One HTTP server for all AWS services: moto's applications, file-backed buckets, faults, records of calls."""
