"""The documentation as a site: its pages put together, and built without anything from the network."""
