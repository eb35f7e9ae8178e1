"""The Common Expression Language, as far as CustomResourceDefinitions use it."""
