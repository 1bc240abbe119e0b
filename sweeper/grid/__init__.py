"""From a grid file to checked, named trials."""
