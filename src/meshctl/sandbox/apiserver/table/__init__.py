"""Objects as rows: the columns that kubectl prints."""
