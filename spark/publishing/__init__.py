"""The last steps of a run: its branch becomes main, its report is drawn, tables are maintained."""
