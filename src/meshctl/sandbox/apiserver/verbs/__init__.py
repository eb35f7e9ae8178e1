"""One file for each verb on resources."""
