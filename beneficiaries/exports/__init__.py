"""Lists that can be taken out: what each is called, who may, which rows, and what a row says."""
