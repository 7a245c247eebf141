"""The constructs that stacks are composed of, one for each concern."""
