"""What runs in Lambda: standard library and boto3 only, and nothing of the rest of the house."""
