"""From a version back to its cause: what changed between two versions of a model, in code, data, parameters, environment, weights
and results. Told from what the versions hold; what is not known is said."""
