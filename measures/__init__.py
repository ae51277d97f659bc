"""Statistics that verdicts rest on: intervals, bootstraps, prediction checks. numpy and scipy only.

Every estimate carries its sample size and its interval (`measures.estimate.Estimate`). Nothing here knows of Django, of
torch, or of files: counts and sums come in, estimates go out, so that the same code serves the sandboxed child and the web.
"""
