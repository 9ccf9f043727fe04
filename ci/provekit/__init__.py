"""What ci/prove consists of: running Frama-C's WP, its cache, the golden list, smoke tests and proof mutants."""
