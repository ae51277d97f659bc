"""The API's edge, a file for each concept."""
