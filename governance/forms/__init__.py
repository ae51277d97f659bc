"""The shape of what people fill in, a file for each concept. Who may, and when, is asked elsewhere."""
