"""Questions answered and not stored: who is this, may they do that."""
