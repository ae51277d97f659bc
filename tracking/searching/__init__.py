"""Runs are found: a language of filters and orders, what it means in SQL, and pages in any order."""
