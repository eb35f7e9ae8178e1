"""pyinfra operations: each compares a fact with what is wanted and yields only the commands between them."""
