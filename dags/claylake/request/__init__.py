"""What a user requests: the AOI files, the params of the trigger form, and their meaning."""
