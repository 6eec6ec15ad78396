"""A short Python script in the making: values as they are written, calls, and their imports."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from core.model import VARIANT_GROUPS, Split, Stratifier

WIDTH = 88
"""Columns of a line before a call is broken, one argument a line."""


class Code(str):
    """Text that is code already, not a string to be quoted."""


class Script:
    """Lines of code; what they use is imported at the top."""

    def __init__(self) -> None:
        self._imports: dict[str, set[str]] = {}
        self._lines: list[str] = []
        self._named: dict[str, Any] = {}

    @property
    def length(self) -> int:
        """Lines so far, imports aside."""
        return len(self._lines)

    def use(self, thing: Callable[..., Any]) -> str:
        """The name of a function or class of this program, which is imported."""
        return self.use_name(thing.__module__, thing.__name__)

    def use_name(self, module: str, name: str) -> str:
        """``name`` of ``module``; raises ValueError where another module's has been taken."""
        for other, names in self._imports.items():
            if name in names and other != module:
                raise ValueError(f"{name} is in {other} and in {module}")
        self._imports.setdefault(module, set()).add(name)
        return name

    def add(self, line: str = "") -> None:
        self._lines.append(line)

    def let(self, name: str, value: Any) -> Code:
        """Give ``value`` a name, once: the name that it has already, ``name``, or ``name_2``."""
        for known, held in self._named.items():
            if type(held) is type(value) and held == value:
                return Code(known)
        taken = sum(k == name or k.startswith(f"{name}_") for k in self._named)
        chosen = f"{name}_{taken + 1}" if taken else name
        self._named[chosen] = value
        line = f"{chosen} = {self.value(value)}"
        if len(line) > WIDTH and isinstance(value, tuple):
            line = "\n".join([f"{chosen} = (", *(f"    {self.value(v)}," for v in value), ")"])
        elif len(line) > WIDTH and is_dataclass(value) and not isinstance(value, type):
            head = f"{chosen} = {self.use(type(value))}("
            line = "\n".join([head, *(f"    {f}," for f in self._fields(value)), ")"])
        self.add(line)
        return Code(chosen)

    def call(self, name: str, function: Callable[..., Any], /, *given: Any, **named: Any) -> Code:
        """``name = function(...)``: values are written out, :class:`Code` stands as it is."""
        arguments = [self.value(v) for v in given]
        arguments += [f"{k}={self.value(v)}" for k, v in named.items()]
        head = f"{name} = {self.use(function)}("
        line = f"{head}{', '.join(arguments)})"
        if len(line) > WIDTH:
            line = "\n".join([head, *(f"    {a}," for a in arguments), ")"])
        self.add(line)
        return Code(name)

    def ask(self, name: str, function: Callable[..., Any], given: Mapping[str, Any]) -> Code:
        """``name = function(store, filters, ...)`` with those of ``given`` that it takes, without
        those that are its defaults."""
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for parameter in inspect.signature(function).parameters.values():
            key, default = parameter.name, parameter.default
            if key not in given:
                continue
            value = given[key]
            if default is inspect.Parameter.empty:
                if key == "store":
                    value = Code("store")
                elif key in ("filters", "stratifier"):
                    value = self.let(key, value)
                positional.append(value)
            elif value != default and not (default is None and _all_default(value)):
                named[key] = value
        return self.call(name, function, *positional, **named)

    def figure(self, name: str, draw: Callable[..., Any], /, *given: Any, **named: Any) -> None:
        """A figure of the page, marked SIMULATED where the store is."""
        self.call(name, draw, *given, **named, simulated=Code("store.simulated"))

    def show(self, function: Callable[..., Any], *given: str) -> None:
        """Print a table that ``function`` makes."""
        self.add(f"print({self.use(function)}({', '.join(given)}).to_string(index=False))")

    def value(self, value: Any) -> str:
        """``value`` as it is written in code; dataclasses without their default fields."""
        if isinstance(value, Code):
            return str(value)
        if isinstance(value, str):
            return json.dumps(str(value), ensure_ascii=False)
        if is_dataclass(value) and not isinstance(value, type):
            return f"{self.use(type(value))}({', '.join(self._fields(value))})"
        if isinstance(value, tuple):
            inside = ", ".join(self.value(v) for v in value)
            return f"({inside},)" if len(value) == 1 else f"({inside})"
        if isinstance(value, Mapping):
            inside = ", ".join(f"{self.value(k)}: {self.value(v)}" for k, v in value.items())
            return f"{{{inside}}}"
        if isinstance(value, float):
            return repr(float(value))
        return repr(value)

    def _fields(self, record: Any) -> list[str]:
        written = []
        for f in fields(record):
            value = getattr(record, f.name)
            if f.default is not MISSING and value == f.default and not _telling(record, f.name):
                continue
            if isinstance(record, Stratifier) and f.name == "classes":
                text = self._classes(value)
            else:
                text = self.value(value)
            written.append(text if f.default is MISSING else f"{f.name}={text}")
        return written

    def _classes(self, classes: tuple[str, ...]) -> str:
        """Mutation classes by the names of their groups, where they are whole groups."""
        groups = [g for g, members in VARIANT_GROUPS.items() if set(members) <= set(classes)]
        if tuple(c for g in groups for c in VARIANT_GROUPS[g]) != classes:
            return self.value(classes)
        known = self.use_name("core.model", "VARIANT_GROUPS")
        named = [f'{known}["{g}"]' for g in groups]
        return named[0] if len(named) == 1 else f"({', '.join('*' + n for n in named)})"

    def text(self, head: str) -> str:
        """The whole script, under the comment lines ``head``."""
        imports = []
        for module, names in sorted(self._imports.items()):
            line = f"from {module} import {', '.join(sorted(names))}"
            if len(line) > WIDTH:
                inside = [f"    {n}," for n in sorted(names)]
                line = "\n".join([f"from {module} import (", *inside, ")"])
            imports.append(line)
        standard = [i for i in imports if not i.startswith("from core")]
        own = [i for i in imports if i.startswith("from core")]
        blocks = ["\n".join(b) for b in (head.splitlines(), standard, own, self._lines) if b]
        return "\n\n".join(blocks).rstrip() + "\n"


def _all_default(value: Any) -> bool:
    """True for a dataclass such as ``Choice()``: what a function makes of a default of None."""
    own = fields(value) if is_dataclass(value) else ()
    return bool(own) and all(getattr(value, f.name) == f.default for f in own)


def _telling(record: Any, name: str) -> bool:
    """True for a default that a reader wants to see: the gene of a split by mutations."""
    if not isinstance(record, Stratifier) or name != "genes":
        return False
    return record.kind in (Split.MUTATION, Split.POSITION, Split.PAIR)
