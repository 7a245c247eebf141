"""What a pass records: its time and weather, the painted bands, and the scene classification."""
