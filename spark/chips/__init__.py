"""A chip's bytes: the tensor that encoders read, its digest, and the picture that people look at."""
