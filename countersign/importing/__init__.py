"""History that other tools have written comes in: read here, sent to the site, never changed where it lies."""
