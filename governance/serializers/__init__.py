"""The shapes of governance in the API, a file for each concept."""
