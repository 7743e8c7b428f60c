# The five things one does with Usher. Each is a small script in scripts/ that can be read and run by itself.
# Arguments go in ARGS, for example: make demo ARGS="--port 8080"
ARGS ?=

.PHONY: help demo test lint bench dist
.DEFAULT_GOAL := help

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' Makefile

demo: ## Build everything and open a seeded agency with a simulated phone
	@scripts/demo $(ARGS)

test: ## Set up what is missing and run every test on SQLite and PostgreSQL
	@scripts/test $(ARGS)

lint: ## Check formatting, lints, types, dependencies and scripts
	@scripts/lint

bench: ## Measure the speed table beside its references, into target/bench.json
	@scripts/bench $(ARGS)

dist: ## Put the release binary, widget inside, into dist/
	@scripts/dist
