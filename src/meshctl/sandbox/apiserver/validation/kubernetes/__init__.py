"""The built-in kinds: their definitions, defaults and rules."""
