"""From chips without a vector to vectors: what is pending, and the work of one Python worker."""
