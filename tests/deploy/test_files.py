"""The container, compose and proxy files: valid, and agreeing with what the loopback tests run."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.mirror import CACHE_VARIABLE
from core.ui import banner, cached
from dashboard import server
from data.__main__ import _parser
from tests.deploy.serving import HEALTH, ROOT, TEMPLATE, filled_in

DEPLOY = ROOT / "docs" / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CONTAINER = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
REPLICAS = ("replica-1", "replica-2")

KEYS: dict[str, type | tuple[type, ...]] = {
    "image": str, "build": dict, "read_only": bool, "tmpfs": list, "cap_drop": list,
    "security_opt": list, "restart": str, "expose": list, "mem_limit": str, "volumes": list,
    "depends_on": dict, "environment": dict, "ports": list, "healthcheck": dict, "command": list,
    "profiles": list,
}  # fmt: skip
"""Key of a service -> its type in the Compose specification, of the keys used here."""


def instructions() -> list[tuple[str, str]]:
    """(instruction, arguments) of the container file, lines joined, comments left out."""
    lines = [line for line in CONTAINER.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(w[0], w[1]) for line in joined.splitlines() if len(w := line.split(" ", 1)) == 2]


def arguments(name: str) -> str:
    return next(rest for kind, rest in instructions() if kind == name)


def test_the_compose_file_fits_the_specification() -> None:
    assert set(COMPOSE) == {"name", "x-app", "x-replica", "services", "volumes"}
    for name, service in SERVICES.items():
        assert re.fullmatch(r"[a-z0-9-]+", name)
        for key, value in service.items():
            assert isinstance(value, KEYS[key]), f"{name}.{key}"
        for needed, how in service.get("depends_on", {}).items():
            assert needed in SERVICES
            assert how["condition"] in ("service_healthy", "service_completed_successfully")
        for volume in service.get("volumes", []):
            source, target, *mode = volume.split(":")
            assert target.startswith("/") and set(mode) <= {"ro"}
            if source.startswith("."):
                assert (DEPLOY / source).is_file()
            else:
                assert source in COMPOSE["volumes"]


def test_what_is_waited_for_can_become_healthy() -> None:
    assert CONTAINER.count("HEALTHCHECK") == 1
    for service in SERVICES.values():
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "build" in SERVICES[needed] or "healthcheck" in SERVICES[needed]


def test_two_replicas_share_a_store_that_they_cannot_write() -> None:
    for name in REPLICAS:
        service = SERVICES[name]
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
        assert "stores:/stores:ro" in service["volumes"] and "ports" not in service
        assert service["build"]["dockerfile"] == "docs/deploy/Containerfile"
        assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
    names = {SERVICES[n]["environment"][server.REPLICA_VARIABLE] for n in REPLICAS}
    assert len(names) == 2


def test_the_proxy_finds_the_replicas_where_the_container_listens() -> None:
    port = arguments("EXPOSE")
    told = SERVICES["proxy"]["environment"]
    assert set(told) == set(re.findall(r"\$\{([A-Z_0-9]+)\}", TEMPLATE.read_text(encoding="utf-8")))
    for variable, name in zip(("REPLICA_1", "REPLICA_2"), REPLICAS, strict=True):
        assert told[variable] == f"{name}:{port}" and SERVICES[name]["expose"] == [port]
    assert "${" not in filled_in(**told)
    published = SERVICES["proxy"]["ports"]
    assert len(published) == 1 and published[0].endswith(f":{told['LISTEN']}")
    assert "127.0.0.1" in published[0], "nobody else reaches it until somebody says so"
    template = "./nginx.conf.template:/etc/nginx/templates/default.conf.template:ro"
    assert template in SERVICES["proxy"]["volumes"]


def test_the_container_starts_what_the_tests_start(monkeypatch: pytest.MonkeyPatch) -> None:
    command = ast.literal_eval(arguments("CMD"))
    assert command[:3] == ["python", "-m", "dashboard.server"]
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(server.app, "run", lambda config: given.append(config))
    server.main(command[3:])
    assert given == [{"server.address": "0.0.0.0", "server.port": int(arguments("EXPOSE"))}]


def test_the_container_checks_its_health_where_the_app_answers() -> None:
    check = ast.literal_eval(arguments("HEALTHCHECK").split(" CMD ", 1)[1])
    compile(check[-1], "check", "exec")
    assert f"127.0.0.1:{arguments('EXPOSE')}{HEALTH}" in check[-1]
    assert HEALTH in SERVICES["proxy"]["healthcheck"]["test"][-1]


def test_the_container_has_no_root_and_no_secrets() -> None:
    users = [rest for kind, rest in instructions() if kind == "USER"]
    assert users == ["10001"] and "useradd --uid 10001" in CONTAINER
    kinds = [kind for kind, _ in instructions()]
    assert kinds.index("USER") < kinds.index("CMD")
    copied = [rest.split() for kind, rest in instructions() if kind == "COPY"]
    for *sources, target in copied:
        assert target.startswith("./") and ".." not in target
        for source in sources:
            assert (ROOT / source).exists() and source not in (".", ".streamlit", "tests")


def test_the_container_has_everything_that_runs() -> None:
    """Every package that the wheel holds, and the settings."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    copied = {s for kind, rest in instructions() if kind == "COPY" for s in rest.split()[:-1]}
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= copied
    assert {"pyproject.toml", "README.md", "LICENSE", ".streamlit/config.toml"} <= copied
    assert "login" in project["project"]["optional-dependencies"]
    assert ".[login]" in CONTAINER


def test_the_container_names_variables_that_the_app_reads() -> None:
    told = dict(pair.split("=", 1) for pair in arguments("ENV").split())
    assert set(told) == {cached.STORE_VARIABLE, CACHE_VARIABLE, banner.RAW_VARIABLE}
    made = re.search(r"mkdir -p ([^&]+?)\s*&&", CONTAINER)
    assert made and set(told.values()) <= set(made[1].split())


@pytest.mark.parametrize("name", ["first-store", "data"])
def test_commands_of_the_data_services_exist(name: str) -> None:
    shell, flag, line = SERVICES[name]["command"]
    assert (shell, flag) == ("sh", "-c")
    found = re.findall(r"python -m data ([^&|]+)", line)
    assert found
    targets = {v.split(":")[1] for v in SERVICES[name]["volumes"] if not v.endswith(":ro")}
    for command in found:
        args = _parser().parse_args(shlex.split(command))
        paths = [v for v in vars(args).values() if isinstance(v, Path) and v.is_absolute()]
        assert paths and all(f"/{p.parts[1]}" in targets for p in paths)


def test_the_variable_that_publishes_the_address_is_documented() -> None:
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    for variable in ("ICI_EXPLORER_LISTEN", cached.STORE_VARIABLE, CACHE_VARIABLE):
        assert f"`{variable}" in text
