# `make run` opens the lab, `make test` proves it. Both set up all they need.

PY := .venv/bin/python
APPS := people machines reservations iot printing projects fablab
LOCK := .venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url

# Tests and processes are started over and over: compiled once, they start in half the time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test quick lint format bench soak pictures messages lock clean venv venv-dev

help:
	@echo "make run       open the lab at http://127.0.0.1:8000 with demo data (ARGS='--port 8001 --no-demo')"
	@echo "make run LAN=1 open your own lab, without demo data, to the local network"
	@echo "make test      install what the tests need, then run all of them"
	@echo "make quick     the fast tests of the apps you changed (ARGS=tests/iot for others): a minute or two"
	@echo "make lint      style, types, templates, migrations and translations"
	@echo "make format    rewrite the code in the house style"
	@echo "make bench     speed;  make soak: endurance;  make pictures: screenshots"
	@echo "make messages  gather the sentences to translate"
	@echo "make lock      pin the requirements again;  make clean: remove what can be made again (never data)"

venv:
	@bash scripts/venv.sh requirements.txt

venv-dev:
	@bash scripts/venv.sh requirements-dev.txt

run: venv
	@bash scripts/system_packages.sh mosquitto
	@exec $(PY) -m fablab.up $(if $(LAN),--lan) $(ARGS)

test: venv-dev
	@bash scripts/system_packages.sh mosquitto chromium postgresql-15
	@exec $(PY) scripts/run_tests.py $(ARGS)

quick: venv-dev
	@exec $(PY) scripts/quick_tests.py $(ARGS)

lint: venv-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy $(APPS)
	.venv/bin/djlint --check --quiet $(APPS)
	.venv/bin/djlint --lint --quiet $(APPS)
	$(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(PY) manage.py messages --check

format: venv-dev
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .
	-.venv/bin/djlint --reformat --quiet $(APPS)

bench: venv-dev
	$(PY) -m pytest tests/bench -q -s -p no:xdist -o testpaths=tests/bench $(ARGS)

soak: venv-dev
	$(PY) -m pytest tests/soak -q -s -p no:xdist -o testpaths=tests/soak $(ARGS)

pictures: venv-dev
	$(PY) -m tests.pictures $(ARGS)

messages: venv-dev
	$(PY) manage.py messages

lock: venv-dev
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-dev.in -o requirements-dev.txt

clean:
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
