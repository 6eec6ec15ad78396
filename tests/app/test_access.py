"""Who is let in: the decision, and the app with login configured, by a provider that is made up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.ui import access
from core.ui.access import Access, Login, configured, decide, is_this_machine
from core.ui.cached import STORE_VARIABLE
from core.version import code_version
from tests.app.conftest import ROOT
from tests.app.reading import charts, texts

PROVIDER = {
    "client_id": "id",
    "client_secret": "secret",
    "server_metadata_url": "https://login.example/.well-known/openid-configuration",
}
AUTH = {"redirect_uri": "https://ici.example/oauth2callback", "cookie_secret": "c" * 32}
WHOLE = Login(("",))
NOBODY: dict[str, Any] = {"is_logged_in": False}
ANN = {"is_logged_in": True, "email": "Ann@Clinic.example", "email_verified": True}


@pytest.mark.parametrize(
    ("bound", "shown", "login", "user", "expected"),
    [
        ("127.0.0.1", "http://localhost:8501", None, NOBODY, Access.LOCAL),
        ("127.0.0.1", None, None, NOBODY, Access.LOCAL),
        ("::1", "http://[::1]:8501/", None, NOBODY, Access.LOCAL),
        ("127.0.0.1", "https://ici.example/", None, NOBODY, Access.OPEN),
        ("0.0.0.0", "http://localhost:8501", None, NOBODY, Access.OPEN),
        ("10.0.0.5", "http://10.0.0.5:8501", None, NOBODY, Access.OPEN),
        (None, None, None, NOBODY, Access.OPEN),
        ("0.0.0.0", "https://ici.example/", WHOLE, NOBODY, Access.LOGIN),
        ("127.0.0.1", "http://localhost:8501", WHOLE, NOBODY, Access.LOGIN),
        ("0.0.0.0", "https://ici.example/", WHOLE, {}, Access.LOGIN),
        ("0.0.0.0", "https://ici.example/", WHOLE, ANN, Access.ADMITTED),
        ("0.0.0.0", None, Login(("",), domains=("other.example",)), ANN, Access.REFUSED),
        ("0.0.0.0", None, Login(("",), domains=("clinic.example",)), ANN, Access.ADMITTED),
        ("0.0.0.0", None, Login(("",), emails=("ann@clinic.example",)), ANN, Access.ADMITTED),
        ("0.0.0.0", None, Login(("",), ("client_id",)), ANN, Access.BROKEN),
    ],
)
def test_who_may_do_what(
    bound: str | None, shown: str | None, login: Login | None, user: dict[str, Any],
    expected: Access,
) -> None:  # fmt: skip
    assert decide(bound, shown, login, user) is expected


def test_forged_local_address_does_not_pass_the_login() -> None:
    for shown in ("http://localhost", "http://127.0.0.1", "", None):
        assert not decide("127.0.0.1", shown, WHOLE, NOBODY).admitted


@pytest.mark.parametrize(
    "user",
    [
        {"is_logged_in": True},
        {"is_logged_in": True, "email": ""},
        {"is_logged_in": True, "email": "ann@clinic.example", "email_verified": False},
        {"is_logged_in": True, "email": "ann@clinic.example.evil.example"},
        {"is_logged_in": True, "email": "clinic.example"},
    ],
)
def test_list_admits_nobody_else(user: dict[str, Any]) -> None:
    login = Login(("",), emails=("bob@clinic.example",), domains=("clinic.example",))
    assert decide("0.0.0.0", None, login, user) is (
        Access.ADMITTED if user.get("email") == "clinic.example" else Access.REFUSED
    )


def test_configuration_is_read_and_what_it_lacks_is_named() -> None:
    assert configured({}) is None
    assert configured({"auth": {**AUTH, **PROVIDER}}) == Login(("",))
    two = configured({"auth": {**AUTH, "clinic": PROVIDER, "lab": {"client_id": "id"}}})
    assert two is not None and two.providers == ("clinic", "lab")
    assert two.lacks == ("lab.client_secret", "lab.server_metadata_url")
    empty = configured({"auth": {}})
    assert empty is not None and set(AUTH) | set(PROVIDER) == set(empty.lacks)
    listed = configured(
        {"auth": {**AUTH, **PROVIDER}, "access": {"emails": ["A@B.c"], "domains": ["@D.e"]}}
    )
    assert listed is not None and (listed.emails, listed.domains) == (("a@b.c",), ("d.e",))


def test_without_the_extra_nobody_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "find_spec", lambda name: None)
    login = configured({"auth": {**AUTH, **PROVIDER}})
    assert decide("127.0.0.1", None, login, ANN) is Access.BROKEN


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True), ("127.0.0.1", True), ("127.8.9.1", True), ("::1", True),
        ("[::1]", True), ("0.0.0.0", False), ("::", False), ("localhost.example", False),
        ("127.0.0.1.example", False), ("", False), (None, False),
    ],
)  # fmt: skip
def test_only_loopback_is_this_machine(host: str | None, local: bool) -> None:
    assert is_this_machine(host) is local


@pytest.fixture
def start(small_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """The app on a server bound to ``bound``, with these secrets and this user."""
    monkeypatch.setenv(STORE_VARIABLE, str(small_folder))

    def run(
        bound: str, secrets: dict[str, Any] | None = None, user: dict[str, Any] | None = None
    ) -> AppTest:
        option = st.get_option
        monkeypatch.setattr(
            st, "get_option", lambda k: bound if k == "server.address" else option(k)
        )
        at = AppTest.from_file(str(ROOT / "dashboard" / "Home.py"), default_timeout=60)
        for key, value in (secrets or {}).items():
            at.secrets[key] = value
        at.user = user or {}
        return at.run()

    return run


def test_on_this_machine_the_page_says_nothing_of_access(start: Callable[..., AppTest]) -> None:
    at = start("127.0.0.1")
    assert charts(at) and "This server is open" not in texts(at)
    assert f"ICI Explorer {code_version()}, build small" in texts(at)


def test_a_public_server_without_login_says_that_it_is_open(start: Callable[..., AppTest]) -> None:
    at = start("0.0.0.0")
    assert charts(at) and "This server is open" in at.warning[0].value


@pytest.mark.parametrize("user", [{}, {"is_logged_in": False}], ids=["unknown", "logged out"])
def test_login_stands_before_everything(
    start: Callable[..., AppTest], user: dict[str, Any]
) -> None:
    at = start("0.0.0.0", {"auth": {**AUTH, **PROVIDER}}, user)
    assert not at.exception and [b.label for b in at.button] == ["Log in"]
    assert not charts(at) and not at.sidebar.selectbox and not at.get("download_button")
    assert "patients" not in texts(at) and "build" not in texts(at)


def test_each_provider_has_its_button(start: Callable[..., AppTest]) -> None:
    at = start("0.0.0.0", {"auth": {**AUTH, "clinic": PROVIDER, "lab": PROVIDER}})
    assert [b.label for b in at.button] == ["Log in with clinic", "Log in with lab"]


def test_who_is_logged_in_sees_the_app_and_may_leave(start: Callable[..., AppTest]) -> None:
    at = start("0.0.0.0", {"auth": {**AUTH, **PROVIDER}}, ANN)
    assert not at.exception and charts(at) and "This server is open" not in texts(at)
    assert any(b.key == "log_out" for b in at.button)


def test_who_is_not_on_the_list_sees_no_data(start: Callable[..., AppTest]) -> None:
    secrets = {"auth": {**AUTH, **PROVIDER}, "access": {"domains": ["other.example"]}}
    at = start("0.0.0.0", secrets, {**ANN, "email": "<b>x</b>@clinic.example"})
    assert not at.exception and not charts(at) and not at.sidebar.selectbox
    assert "not among those" in at.error[0].value and "<b>" not in at.error[0].value
    assert [b.label for b in at.button] == ["Log out"]


def test_an_incomplete_configuration_lets_nobody_in(start: Callable[..., AppTest]) -> None:
    at = start("127.0.0.1", {"auth": {**AUTH, "client_id": "id"}}, ANN)
    assert not at.exception and not charts(at) and not at.button
    assert "server\\_metadata\\_url" in at.error[0].value
