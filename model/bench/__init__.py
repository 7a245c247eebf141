"""Parity and speed beside the encoder that Clay's authors publish (`claymodel`). Nothing here is needed to embed."""
