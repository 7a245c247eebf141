"""moto's EMR with clusters that live, fleets, and the calls that moto lacks.

It stands on moto and the standard library alone, so that it could be offered to moto as it is. The runner of
steps and the faults to inject come from outside (`hooks`).
"""
