"""Who may see the app: everyone on this machine, whoever logs in, or everyone who reaches it.

Login is Streamlit's own OpenID Connect login, configured in ``.streamlit/secrets.toml``. Where it
is configured it is asked for at every address: a proxy on this machine makes a server on loopback
public, and the address that a browser reports can be forged. Where it is not, a server that others
can reach says on every page that it is open.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from core.ui.messages import escaped

SHARED_KEYS = ("redirect_uri", "cookie_secret")
PROVIDER_KEYS = ("client_id", "client_secret", "server_metadata_url")
DEFAULT = ""
"""The provider whose keys stand in ``[auth]`` itself."""


class Access(StrEnum):
    """What the visitor of this run may do."""

    LOCAL = "only this machine"
    OPEN = "everyone who reaches it"
    ADMITTED = "logged in"
    LOGIN = "must log in"
    REFUSED = "logged in, but not among those admitted"
    BROKEN = "login is configured, but cannot work"

    @property
    def admitted(self) -> bool:
        return self in (Access.LOCAL, Access.OPEN, Access.ADMITTED)


@dataclass(frozen=True)
class Login:
    """The configured login: names of providers, what it lacks, and who is admitted."""

    providers: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()

    def admits(self, user: Mapping[str, Any]) -> bool:
        """True for a user of the list; with no list, for every user of the provider.

        An address that the provider calls unverified is on no list.
        """
        if not self.emails and not self.domains:
            return True
        email = str(user.get("email") or "").strip().lower()
        if not email or user.get("email_verified") in (False, "false"):
            return False
        return email in self.emails or email.rpartition("@")[2] in self.domains


def configured(secrets: Mapping[str, Any]) -> Login | None:
    """The login that ``secrets`` describe; None where they describe none.

    ``[auth]`` is Streamlit's. ``[access]`` may list ``emails`` and ``domains``.
    """
    auth = secrets.get("auth")
    if auth is None:
        return None
    named = [k for k, v in auth.items() if isinstance(v, Mapping) and k != "client_kwargs"]
    sections = {name: auth[name] for name in named}
    if not named or any(k in auth for k in PROVIDER_KEYS):
        sections[DEFAULT] = auth
    lacks = [k for k in SHARED_KEYS if not auth.get(k)]
    for name, section in sections.items():
        lead = f"{name}." if name else ""
        lacks += [f"{lead}{k}" for k in PROVIDER_KEYS if not section.get(k)]
    if find_spec("authlib") is None:
        lacks.append("the package authlib (the extra `login`)")
    admitted = secrets.get("access", {})
    return Login(
        tuple(sections),
        tuple(lacks),
        tuple(str(e).strip().lower() for e in admitted.get("emails", ())),
        tuple(str(d).strip().lower().lstrip("@") for d in admitted.get("domains", ())),
    )


def decide(
    bound: str | None, shown: str | None, login: Login | None, user: Mapping[str, Any]
) -> Access:
    """What a visitor may do.

    ``bound``: the address that the server listens on (None: every one of the machine's).
    ``shown``: the app's address in the visitor's browser, where it is known. ``user``: the claims
    of the provider, with ``is_logged_in``.
    """
    if login is not None:
        if login.lacks:
            return Access.BROKEN
        if not user.get("is_logged_in"):
            return Access.LOGIN
        return Access.ADMITTED if login.admits(user) else Access.REFUSED
    here = is_this_machine(bound) and (not shown or is_this_machine(urlsplit(shown).hostname))
    return Access.LOCAL if here else Access.OPEN


def is_this_machine(host: str | None) -> bool:
    """True for a loopback address or ``localhost``."""
    if not host:
        return False
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def visitor() -> Access:
    """What the visitor of this run may do."""
    return decide(st.get_option("server.address"), st.context.url, _login(), _user())


def tell(access: Access) -> None:
    """Draw what ``access`` says to the visitor: a banner, or what stands in place of the app."""
    if access is Access.OPEN:
        st.warning(
            "**This server is open**: everyone who reaches its address sees what you see. "
            "Login is not set up.",
            icon=":material/lock_open:",
        )
    elif access is Access.LOGIN:
        _ask()
    elif access is Access.REFUSED:
        st.title("Not admitted", anchor=False)
        st.error(
            f"You are logged in as {escaped(_name())}, which is not among those whom this server "
            "admits. Ask the person who runs it.",
            icon=":material/block:",
        )
        st.button("Log out", key="log_out", on_click=st.logout)
    elif access is Access.BROKEN:
        login = _login()
        st.title("Login does not work", anchor=False)
        st.error(
            "This server asks for login, but its `.streamlit/secrets.toml` is not complete, so "
            f"nobody is let in. It lacks: {escaped(', '.join(login.lacks if login else ()))}.",
            icon=":material/key_off:",
        )


def foot(access: Access, version: str, build: str) -> None:
    """The end of the sidebar: the versions of program and data, and the way out of a login."""
    with st.sidebar:
        st.caption(f"ICI Explorer {escaped(version)}, build {escaped(build)}")
        if access is Access.ADMITTED:
            st.button(
                "Log out",
                key="log_out",
                on_click=st.logout,
                type="tertiary",
                icon=":material/logout:",
                help=f"Logged in as {escaped(_name())}",
            )


def _ask() -> None:
    login = _login()
    st.title("ICI Explorer", anchor=False)
    st.write("Log in to see this server's data.")
    for name in login.providers if login else ():
        st.button(
            f"Log in with {name}" if name else "Log in",
            key=f"log_in_{name}",
            type="primary",
            icon=":material/login:",
            on_click=st.login,
            args=(name,) if name else (),
        )


def _login() -> Login | None:
    return configured(st.secrets) if st.secrets.load_if_toml_exists() else None


def _user() -> Mapping[str, Any]:
    return st.user.to_dict()


def _name() -> str:
    user = _user()
    return str(user.get("email") or user.get("name") or "an unknown user")
