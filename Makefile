# Thin on purpose: each target is one line into infra/dev/. Extra arguments: make test ARGS="-k leases".
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help demo dev test check fix bench conditions chaos soak schema migration

help: ## this list
	@infra/dev/help.sh

demo: ## a server, an agent and example flows, run and followed live; ONCE=1 ends it
	@infra/dev/demo.sh $(ARGS)

dev: ## the server with Postgres and Redis of its own, on one machine
	@infra/dev/up.sh $(ARGS)

test: ## everything CI runs: set-up, checks, all tests
	@infra/dev/test.sh $(ARGS)

check: ## lint, format, types, import contracts, house rules
	@infra/dev/check.sh

fix: ## what ruff can mend by itself
	@infra/dev/fix.sh

bench: ## measure the product's figures, one JSON line each
	@infra/dev/bench.sh $(ARGS)

conditions: ## the tests of real processes through TLS, PgBouncer, nginx and passwords
	@infra/dev/conditions.sh $(ARGS)

chaos: ## break whole worlds and judge what is left; SEED=n, ONLY=name,…
	@infra/dev/chaos.sh $(ARGS)

soak: ## break everything at random for HOURS=24
	@infra/dev/soak.sh $(ARGS)

schema: ## write backend/schema.graphql from the code
	@infra/dev/schema.sh

migration: ## draft a migration from the tables: make migration NAME=add_webhooks
	@infra/dev/migration.sh "$(NAME)"
