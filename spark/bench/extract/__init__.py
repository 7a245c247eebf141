"""What extraction costs, beside what its parts cost alone: a module for each kind of measurement."""
