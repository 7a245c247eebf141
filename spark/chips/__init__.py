"""A chip's bytes: the tensor that encoders read, its digest, and a picture."""
