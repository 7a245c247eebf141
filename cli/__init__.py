"""The command ``claylake``: months of chips and vectors in a lake on this machine, by the code that runs on AWS."""
