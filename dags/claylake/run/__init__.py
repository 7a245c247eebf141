"""One run: its plan is made, its start decided, and its work accounted for."""
