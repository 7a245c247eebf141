"""What events do to the ground: one module for each kind, a small function of ground and time each."""
