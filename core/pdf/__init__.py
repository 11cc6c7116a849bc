"""PDFs written anew: only what an allow-list names comes along, from every object that a page reaches."""
