"""Experiments, training runs, their curves and artifacts over REST."""
