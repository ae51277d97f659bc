"""Training measured again and again: folds out of fold, refits of a bootstrap out of bag, combined into one number each.

An app of its own inside evaluations: its rows, steps and edges are those of a set of checkpoints, not of one run.
"""
