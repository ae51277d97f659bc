"""The pages, a file for each concept."""
