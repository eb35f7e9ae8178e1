"""What Kubernetes says of an object: schemas, defaults, validation and admission."""
