"""The month's page: what the cells look like, and how their vectors differ."""
