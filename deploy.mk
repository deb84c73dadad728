# Targets that need further tools. Each tool lives in an environment of its own below .tools.

# The interpreter of the template's default runtime; empty where there is none. It is run rather
# than looked up: pyenv puts a python3.13 on PATH even when that version is not selected.
LAMBDA_PYTHON = $(firstword $(foreach python, \
	python3.13 $(wildcard $(HOME)/.pyenv/versions/3.13*/bin/python3.13), \
	$(shell $(python) -c 'import sys; print(sys.executable)' 2>/dev/null)))

SAM := .tools/sam/bin/sam

.tools/sam/installed: tools/sam-requirements.txt
	python3 -m venv --clear .tools/sam
	.tools/sam/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

.tools/ministack/installed: tools/ministack-requirements.txt
	$(LAMBDA_PYTHON) -m venv --clear .tools/ministack
	.tools/ministack/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

.tools/schemathesis/installed: tools/schemathesis-requirements.txt
	python3 -m venv --clear .tools/schemathesis
	.tools/schemathesis/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

.PHONY: fuzz
fuzz: $(VENV)/tested .tools/schemathesis/installed ## Call everything with made-up requests, by Backbeat's own OpenAPI document
	$(BIN)/python -m tests.fuzz

# The oldest SDK whose calls are answered, the last with plans, and the newest.
SDKS := 1.0.0 4.1.0 4.12.0

# Without the package index there is nothing to run: then the check says so and is skipped.
.tools/sdk-%/installed: tools/sdk-requirements.txt
	python3 -m venv --clear .tools/sdk-$*
	.tools/sdk-$*/bin/pip install --quiet --disable-pip-version-check --requirement $< metronome-sdk==$*
	touch $@

.PHONY: sdk-check
sdk-check: $(VENV)/tested ## Run the official SDK's own tests against a local server
	@if $(MAKE) --no-print-directory $(SDKS:%=.tools/sdk-%/installed); then \
		$(BIN)/python -m tests.sdk $(SDKS); \
	else \
		echo "sdk-check skipped: the SDKs cannot be installed from the package index here."; \
	fi

.PHONY: validate
validate: .tools/sam/installed ## Check template.yaml with SAM and cfn-lint
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint

# Needs no AWS account: the stack is deployed to an emulator on 127.0.0.1.
.PHONY: deploy-check
deploy-check: ## Build, deploy to an emulated AWS, and run the main job through the deployed API
	@if [ "$$(uname -s)" != Linux ]; then \
		echo "deploy-check skipped: the emulator runs the functions' Linux packages here, which needs Linux."; \
	elif [ -z "$(LAMBDA_PYTHON)" ]; then \
		echo "deploy-check skipped: no python3.13 found, neither on PATH nor below ~/.pyenv/versions."; \
	else \
		$(MAKE) --no-print-directory deployed-main-job; \
	fi

.PHONY: deployed-main-job
deployed-main-job: $(VENV)/tested .tools/sam/installed .tools/ministack/installed
	.venv/bin/python -m tests.deploy.check
