"""What the server serves: the built-in kinds and those that CustomResourceDefinitions add."""
