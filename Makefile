# Every command a person runs. Each target installs what it needs in a virtual environment of its own.

PYTHON ?= python3
VENVS ?= .venv
WORKERS ?= 2
CUDA ?= cuda13
DIGESTS ?= build/digests.json

.PHONY: demo test parity lint docs bench digests gpu bench-gpu clean

# A virtual environment for each set of extras: $(VENVS)/<extras>; made again when the dependencies change.
$(VENVS)/%/installed: pyproject.toml setup.py
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@

demo: $(VENVS)/plot/installed
	$(<D)/bin/gpipe compile
	$(<D)/bin/gpipe demo

test: $(VENVS)/test/installed
	$(<D)/bin/python -m pytest -n $(WORKERS) -m "not parity and not gpu"

parity: $(VENVS)/test,parity/installed
	$(<D)/bin/python -m pytest -n $(WORKERS) -m parity tests/parity

gpu: $(VENVS)/test,$(CUDA)/installed
	$(<D)/bin/python -m pytest -m gpu

lint: $(VENVS)/lint/installed
	$(<D)/bin/ruff check .
	$(<D)/bin/ruff format --check .
	$(<D)/bin/mypy

docs: $(VENVS)/docs/installed
	$(<D)/bin/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "open build/docs/index.html"

bench: $(VENVS)/test,parity/installed
	$(<D)/bin/python -m benchmarks

# OLD is a record of another tree that the new one is compared with.
digests: $(VENVS)/test,parity/installed
	$(<D)/bin/python -m benchmarks.digests $(DIGESTS)
	$(if $(OLD),$(<D)/bin/python -m benchmarks.digests --compare $(OLD) $(DIGESTS))

bench-gpu: $(VENVS)/test,$(CUDA)/installed
	$(<D)/bin/python -m benchmarks.device

clean:
	rm -rf $(VENVS) build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
