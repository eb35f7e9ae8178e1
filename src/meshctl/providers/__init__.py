"""Where hosts come from: the sandbox, Vagrant, or machines that exist."""
