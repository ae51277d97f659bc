"""Measures a model on data, inside the sandboxed child: torch and plain dataclasses, no Django.

A check sees every chunk of answers once (`see`) and says what it found at the end (`finish`), so that memory does not grow with
the number of rows. Results are JSON and safetensors; the same inputs give the same bytes, timings apart.
"""
