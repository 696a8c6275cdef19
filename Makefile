# Each target makes first what it needs: `make demo` on a fresh machine is enough.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000

.PHONY: help install run demo test bench soak requirements messages
.DEFAULT_GOAL := help

help: ## Say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(VENV)/.installed tests/interop/node_modules/.package-lock.json ## Make .venv with everything

$(VENV)/.installed: requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

# Only the tests against an independent client need Node; without it they are skipped, and say so.
tests/interop/node_modules/.package-lock.json: tests/interop/package-lock.json
	@if command -v npm >/dev/null; then cd tests/interop && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json; \
	else echo "npm is missing: the tests against Baileys will be skipped"; fi

run: install ## Serve against the real WhatsApp, on HOST and PORT
	@$(BIN)/python -m config.first_start
	@$(BIN)/python manage.py migrate --verbosity 0
	@exec $(BIN)/python manage.py serve --host $(HOST) --port $(PORT)

demo: install ## Serve five outlets on a simulated WhatsApp, with accounts to log in with
	@exec $(BIN)/python -m config.demo --host $(HOST) --port $(PORT)

test: install ## Run every check there is
	@$(BIN)/python -m tests.everything

bench: install ## Print the figures
	@$(BIN)/python -m bench

soak: install ## Hold 10,000 linked outlets for ten minutes, and kill a blast to 2,000 people 20 times
	@$(BIN)/python -m bench soak
	@BLAST_DRILL=full $(BIN)/python -m pytest -q -s tests/drills/test_blast_kill.py tests/blast/test_kill_between_steps.py

requirements: ## Pin what the .in files name, with hashes
	$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make requirements" -o requirements.txt requirements.in
	$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make requirements" -o requirements-dev.txt requirements-dev.in

messages: install ## Collect the texts to translate, and compile the translations
	$(BIN)/python manage.py makemessages --all --no-obsolete --add-location file --ignore ".venv/*" --ignore "node_modules/*" --ignore "tests/*"
	$(BIN)/python -m tests.messages
