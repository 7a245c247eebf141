"""An EMR step as a process on this machine: its command, its files, its run, its logs."""
