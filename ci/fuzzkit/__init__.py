"""What ci/fuzz, ci/measure and ci/mutants share: building the fuzz targets, running them, and telling what they found."""
