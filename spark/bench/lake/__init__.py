"""What a lake's size costs a run: publishing, audits, missing vectors and commits, in lakes of several sizes."""
