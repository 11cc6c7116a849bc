"""One class a resource; `api.resources` lists them."""
