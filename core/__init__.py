"""What every context stands on: errors, decisions, time, ids, blobs, problem details, page-or-fragment."""
