"""Starts, watches and stops what the site stands on: private PostgreSQL and Redis, web, workers and clock."""
