"""The jobs that run on EMR, or on a laptop, and the array code under them."""
