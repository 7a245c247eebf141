"""What each role may do, as lists of grants: every one says what needs it."""
