# Thin calls to dev.py, which does the work; without make, call it directly: python3 dev.py run
PYTHON ?= python3
PORT ?= 8000

.PHONY: run services test check bench soak shell stop reset

run:
	@$(PYTHON) dev.py run --port $(PORT)

soak:
	@$(PYTHON) dev.py soak $(PARTS)

services check bench shell stop reset:
	@$(PYTHON) dev.py $@

test:
	@$(PYTHON) dev.py test $(ARGS)
