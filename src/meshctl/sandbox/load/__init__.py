"""A bounded load generator that is called and prints as fortio does."""
