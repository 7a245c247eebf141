"""What a million square kilometres a month would take on clusters of several sizes, by simulation."""
