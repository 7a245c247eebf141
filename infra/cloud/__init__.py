"""The AWS deployment as CDK stacks: network, lake, compute, airflow, guard.

Stacks only compose; what they are made of are small constructs with keyword-only arguments. Sandbox and
production differ in the values of `config.Stage` and in nothing else.
"""
