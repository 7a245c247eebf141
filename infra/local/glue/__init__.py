"""moto's Glue with the table optimizers that it lacks; it stands on moto, botocore and the standard library alone."""
