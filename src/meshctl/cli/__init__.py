"""The command line: one file for each command; `output` is the only module that prints."""
