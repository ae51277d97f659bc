"""Reads an incoming register in the sandbox: CSV or XLSX in, texts of the known columns out. Knows no Django."""
