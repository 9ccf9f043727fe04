"""What ci/fuzz and ci/mutants share: building the fuzz targets, running them, and telling what they found."""
