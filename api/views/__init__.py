"""One class for each resource; `api.resources` lists them."""
