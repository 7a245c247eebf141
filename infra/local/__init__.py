"""The AWS services claylake uses, standing in on one machine.

`infra.local.client` starts and stops the stack from any environment (standard
library only); everything else runs in the infra environment.
"""
