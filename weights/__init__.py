"""Scripts that made the model files of the package. Not part of it, and run by hand."""
