"""pyinfra facts: what a host is like now; nothing here changes anything."""
