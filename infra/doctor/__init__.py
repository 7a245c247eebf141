"""`make doctor`: what this machine has for claylake, what it lacks, and what to do.

It runs before anything is installed: on Python 3.9 (so its values may not be keyword-only), with the standard library
alone, and never with a traceback. `facts` reads the machine into a value, `checks` are functions of that value, so that
tests can give them any machine.
"""
