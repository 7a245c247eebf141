"""Root of what is uploaded to Lambda."""
