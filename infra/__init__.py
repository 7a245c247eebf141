"""Where claylake runs: AWS stacks, and the same system on one machine."""
