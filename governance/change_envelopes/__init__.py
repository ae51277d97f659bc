"""Change envelopes: what people sign once, how a retrained version is measured against it, and what is decided by it."""
