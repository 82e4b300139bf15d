import configparser
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from ruamel.yaml import YAML

from listening import __version__

ROOT = Path(__file__).parent.parent
FILE = ROOT / "docker-compose.yml"
TEXT = FILE.read_text(encoding="utf-8")
SERVICES = YAML(typ="safe").load(TEXT)["services"]
OURS = {name for name, service in SERVICES.items() if "build" in service}
ONCE = {"airflow-init", "elasticsearch-certificates", "elasticsearch-users", "listening"}
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY$|ENCRYPTIONKEY|AUTH$|CONN$|BROKER|BACKEND")
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(:[-?][^}]*)?\}")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")

services = pytest.mark.parametrize("name", SERVICES)
servers = pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONCE))


def environment(name):
    return SERVICES[name].get("environment", {})


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def test_the_file_is_valid_by_the_compose_specification():
    done = run(
        *(sys.executable, "-m", "check_jsonschema"),
        *("--builtin-schema", "vendor.compose-spec", str(FILE)),
    )
    assert done.returncode == 0, done.stdout


@services
def test_every_image_is_pinned_to_the_patch(name):
    assert re.search(r":\d+\.\d+(\.\d+)?(-bookworm)?$", SERVICES[name]["image"])


def test_the_images_of_the_build_are_pinned_to_the_patch():
    bases = re.findall(r"(?m)^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert bases
    assert all(re.search(r":\d+\.\d+\.\d+-", base) for base in bases)


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_image_bears_our_version(name):
    assert SERVICES[name]["image"] == f"listening:{__version__}"


@services
def test_every_service_has_a_limit_of_memory_and_cannot_gain_privileges(name):
    assert re.search(r"^(\$\{\w+:-)?\d+[mg]\}?$", SERVICES[name]["mem_limit"])
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]


@servers
def test_every_server_has_a_health_check_and_starts_again(name):
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries", "start_period"} <= check.keys()
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(ONCE))
def test_what_runs_once_does_not_start_again_when_done(name):
    assert SERVICES[name]["restart"] in {"no", "on-failure:3"}


@services
def test_nothing_runs_as_root_but_the_maker_of_certificates_without_capabilities(name):
    root = SERVICES[name]["user"].split(":")[0] == "0"
    assert root == (name == "elasticsearch-certificates")
    if root or name in OURS:
        assert SERVICES[name]["cap_drop"] == ["ALL"]


def test_the_image_runs_as_the_user_that_the_services_name():
    user = re.findall(r"(?m)^USER (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert {SERVICES[name]["user"] for name in OURS} == {user[-1]} == {"50000:0"}


@services
def test_ports_are_bound_to_this_machine_alone(name):
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


@services
def test_no_secret_stands_in_the_file(name):
    for key, value in environment(name).items():
        if SECRET.search(key):
            assert VARIABLE.search(value), key
    assert not re.search(
        r"(?i)(password|secret|token)[\"']?\s*[=:]\s*[\"']?\w",
        str(SERVICES[name].get("command", "")),
    )


def test_nothing_starts_without_its_secrets():
    secrets = set(re.findall(r"(?m)^(\w+)=$", EXAMPLE))
    used = {match[1]: match[2] for match in VARIABLE.finditer(TEXT) if SECRET.search(match[1])}
    assert {name for name, otherwise in used.items() if otherwise == ":?run make env"} == secrets
    assert used.keys() - secrets == {"X_BEARER_TOKEN"}


def test_every_variable_is_explained_and_its_default_is_the_one_shown():
    shown = dict(re.findall(r"(?m)^(?:# )?([A-Z_]+)=(.*)$", EXAMPLE))
    for name, otherwise in VARIABLE.findall(TEXT):
        assert name in shown
        if otherwise.startswith(":-"):
            assert shown[name] == otherwise[2:]
    assert shown.keys() - {"COMPOSE_PROFILES"} == {name for name, _ in VARIABLE.findall(TEXT)}


def test_every_service_that_another_waits_for_can_be_waited_for():
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            done = how["condition"] == "service_completed_successfully"
            assert done == (other in ONCE)
            assert not set(SERVICES[other].get("profiles", ())) - set(service.get("profiles", ()))


def test_every_volume_is_declared():
    declared = YAML(typ="safe").load(TEXT)["volumes"].keys()
    named = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", ())
        if isinstance(volume, str) and volume[0] not in "./$"
    }
    assert named == declared


def test_kibana_is_of_elasticsearchs_version():
    kibana, elasticsearch = (SERVICES[name]["image"] for name in ("kibana", "elasticsearch"))
    assert kibana.split(":")[1] == elasticsearch.split(":")[1]


def test_airflow_knows_every_option_that_is_set(tmp_path):
    airflow = shutil.which("airflow", path=Path(sys.executable).parent)
    if airflow is None:
        pytest.skip("needs the extra airflow: pip install -e '.[dev]'")
    done = run(
        *(airflow, "config", "list", "--include-descriptions", "--defaults"),
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
    )
    config = configparser.ConfigParser(interpolation=None, strict=False)
    config.read_string(
        re.sub(r"(?m)^# (\w+ = )", r"\1", done.stdout[done.stdout.index("[core]") :])
    )
    options = [
        key.removeprefix("AIRFLOW__").lower().split("__", 1)
        for name in OURS
        for key in environment(name)
        if key.startswith("AIRFLOW__")
    ]
    assert options
    unknown = [one for one in options if one[0] != "celery" and not config.has_option(*one)]
    assert not unknown


def test_the_images_packages_are_those_that_the_project_asks_for():
    lines = (ROOT / "docker/requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    for text in (
        *project["dependencies"],
        *extras["airflow"],
        *extras["elasticsearch"],
        *extras["web"],
    ):
        wanted = Requirement(text)
        assert wanted.specifier.contains(pinned[wanted.name]), text
    assert not {"torch", "transformers"} & pinned.keys()


def test_new_secrets_fill_all_that_is_empty_and_differ_each_time():
    script = [sys.executable, str(ROOT / "docker/new_secrets.py")]
    first, second = (run(*script, input=EXAMPLE).stdout for _ in range(2))
    assert not re.search(r"(?m)^\w+=$", first)
    values = [re.findall(r"(?m)^\w+=(.+)$", text) for text in (first, second)]
    assert len({*values[0], *values[1]}) == 2 * len(re.findall(r"(?m)^\w+=$", EXAMPLE))
    assert re.search(r"(?m)^AIRFLOW_FERNET_KEY=[\w-]{43}=$", first)
