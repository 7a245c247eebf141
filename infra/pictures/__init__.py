"""`make docs-images`: the pictures of README and docs, drawn from a lake of the generated landscape."""
