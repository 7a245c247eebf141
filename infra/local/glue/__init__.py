"""moto's Glue with the table optimizers that it lacks.

It imports only moto, botocore and the standard library, so that it could be offered to moto as it is.
"""
