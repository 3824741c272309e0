"""Publishing: the database as a Datasette site, an API and files."""
