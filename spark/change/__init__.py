"""Change: how far a cell's vector has moved since an earlier month, and how unusual that is (`docs/change.md`)."""
