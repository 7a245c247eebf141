"""Parts of the encoder: the artefact's folder, metadata of a chip, and the program on its device."""
