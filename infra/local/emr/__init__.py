"""moto's EMR with clusters that live, fleets, and the calls that moto lacks.

It imports only moto, botocore and the standard library, so that it could be offered to moto as it is. The runner of
steps and the faults to inject come from outside (`hooks`).
"""
