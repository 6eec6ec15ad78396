"""Write a store and put it in use: new file beside the old one, checked, renamed, then pointed to.

A store folder holds ``store-<build>-<time>.duckdb`` files, which never change, and
``current.json``, which names the one in use. Whatever goes wrong before the pointer is replaced (a
kill, a full disk, a failed check, a second build at the same time) leaves the pointer, and so
every reader, on the store that stood before.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from core.model import BuildError, DashboardError
from core.store import POINTER
from data.check import problems
from data.raw_folder import sha256

SCHEMA = Path(__file__).with_name("schema.sql")
TEMPORARY = ".building-"
KEEP = 2
"""Builds kept in a folder: the one in use and the one before it."""

ORDER = {
    "mutation": "hugo_symbol, patient_key",
    "feature_value": "feature, patient_key",
    "endpoint": "endpoint, patient_key",
    "signature_activity": "source, signature, patient_key",
    "expression": "hugo_symbol",
    "patient": "patient_key",
    "profiled": "panel_id, patient_key",
}
"""How tables are sorted on disk, so that DuckDB's zone maps find a gene without a scan."""

BLOCK_MEMORY = "2GB"
"""What DuckDB may hold while it sorts the rows of many blocks; the rest goes to disk."""

WHOLE = {
    "patient": "SELECT * REPLACE ((log2(tmb_per_mb + 1) - avg(log2(tmb_per_mb + 1)) OVER one) / "
    "nullif(stddev_samp(log2(tmb_per_mb + 1)) OVER one, 0) AS tmb_z) FROM aside.patient "
    "WINDOW one AS (PARTITION BY cohort_id)",
    "gene": "SELECT hugo_symbol, sum(n_mutant_ici) AS n_mutant_ici, sum(n_mutant_tcga) AS "
    "n_mutant_tcga, bool_or(on_panel) AS on_panel FROM aside.gene GROUP BY 1",
    "expression": "SELECT hugo_symbol, flatten(list(values_milli_log2 ORDER BY rowid)) AS "
    "values_milli_log2, any_value(source) AS source FROM aside.expression GROUP BY 1",
}
"""Tables that are more than the rows of their blocks one after the other."""

GENES_AT_ONCE = 32
"""Genes whose rows are joined at a time: joined rows cannot wait on disk, and one of a million
samples takes 2 MB."""

Progress = Callable[[str, float], None]
"""Called with what is being done and the fraction done (0 to 1)."""


def silent(what: str, fraction: float) -> None:
    """A Progress that says nothing."""


def publish(tables: Mapping[str, Any], folder: Path, *, progress: Progress = silent) -> Path:
    """Write ``tables`` (schema table name -> pandas frame or arrow table) as the current build.

    Returns the path of the new store. Raises BuildError where the disk is full, a table does not
    fit the schema, or a check fails; the store that stood before is then still current.
    """
    return _published(lambda path: _write(tables, path, progress), folder, progress)


def publish_blocks(
    blocks: Iterable[Mapping[str, Any]], folder: Path, *, progress: Progress = silent
) -> Path:
    """As :func:`publish`, of rows that come in blocks and never stand in memory together.

    Blocks add to the rows of those before; the tables of WHOLE are made of all blocks' rows.
    """
    return _published(lambda path: _write_blocks(blocks, path, progress), folder, progress)


def _published(write: Callable[[Path], None], folder: Path, progress: Progress) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
    except OSError as error:
        raise _build_error(error, folder) from error
    temporary = folder / f"{TEMPORARY}{os.getpid()}-{uuid.uuid4().hex[:8]}.duckdb"
    try:
        write(temporary)
        progress("checking", 0.92)
        wrong = problems(temporary)
        if wrong:
            raise BuildError(
                "The new store failed its checks and was thrown away.",
                where=str(folder),
                expected="no problem",
                found="\n    ".join(wrong[:10]),
                remedy="The sources or a cohort's file in data/cohorts are at fault; see above.",
            )
        progress("putting the new store in use", 0.98)
        path = _rename(temporary, folder)
    except (duckdb.Error, OSError) as error:
        raise _build_error(error, folder) from error
    finally:
        for leftover in folder.glob(f"{temporary.name}*"):
            _remove(leftover)
    _forget_old(folder, path)
    progress("done", 1.0)
    return path


def adopt(source: Path, folder: Path) -> Path:
    """Put a copy of the finished store file ``source`` in use in ``folder``, as :func:`publish`.

    Raises BuildError where the disk is full or the folder cannot be written to.
    """
    temporary = folder / f"{TEMPORARY}{os.getpid()}-{uuid.uuid4().hex[:8]}.duckdb"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        shutil.copyfile(source, temporary)
        return _rename(temporary, folder)
    except (duckdb.Error, OSError) as error:
        raise _build_error(error, folder) from error
    finally:
        temporary.unlink(missing_ok=True)


def pool(
    base: Path,
    own: Path,
    folder: Path,
    *,
    role: str = "validation",
    same_people: bool = False,
    progress: Progress = silent,
) -> Path:
    """A copy of the store ``base`` with the one cohort of the store ``own`` added to it.

    ``role`` is that cohort's in the pool. ``same_people``: a patient whose id also stands in a
    cohort of ``base`` is the same person, and is counted there. Returns the new file in
    ``folder``. Raises BuildError where one store is simulated and the other real, where ``base``
    has a cohort of that name, and for a full disk.
    """
    path = folder / f"pooled-{uuid.uuid4().hex}.duckdb"
    try:
        progress("copying the loaded cohorts", 0.05)
        shutil.copyfile(base, path)
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"ATTACH '{_quoted(own)}' AS own (READ_ONLY)")
            _may_be_pooled(connection)
            _add_cohort(connection, role, same_people, progress)
            connection.execute("DETACH own")
            progress("writing", 0.9)
            connection.execute("CHECKPOINT")
    except (duckdb.Error, OSError) as error:
        path.unlink(missing_ok=True)
        raise _build_error(error, folder) from error
    except BuildError:
        path.unlink(missing_ok=True)
        raise
    progress("done", 1.0)
    return path


def shared_ids(base: Path, own: Path) -> dict[str, int]:
    """Cohort of ``base`` -> how many of its patient ids also stand in ``own``."""
    with duckdb.connect() as connection:
        for name, path in (("base", base), ("own", own)):
            connection.execute(f"ATTACH '{_quoted(path)}' AS {name} (READ_ONLY)")
        found = connection.execute(
            "SELECT c.name, count(*) FROM base.patient b JOIN own.patient o USING (patient_id) "
            "JOIN base.cohort c ON c.cohort_id = b.cohort_id WHERE b.counted_here "
            "GROUP BY ALL ORDER BY 2 DESC"
        ).fetchall()
    return {str(name): int(n) for name, n in found}


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _may_be_pooled(connection: duckdb.DuckDBPyConnection) -> None:
    words = {True: "simulated", False: "real"}
    row = connection.execute(
        "SELECT b.simulated, o.simulated, (SELECT any_value(name) FROM cohort WHERE cohort_id IN "
        "(SELECT cohort_id FROM own.cohort)) FROM build b, own.build o"
    ).fetchone()
    loaded, own, twice = row or (False, False, None)
    if loaded != own:
        raise BuildError(
            "Simulated and real patients are never pooled.",
            expected="two stores of real patients, or two of simulated ones",
            found=f"loaded cohorts that are {words[loaded]}, an own cohort that is {words[own]}",
            remedy="Use the own cohort alone"
            + (", or load the real cohorts first." if loaded else "."),
        )
    if twice:
        raise BuildError(
            f"The loaded cohorts have one named {twice!r} already.",
            expected="a name of its own",
            found=str(twice),
            remedy="Give the own cohort another name.",
        )


def _add_cohort(
    connection: duckdb.DuckDBPyConnection, role: str, same_people: bool, progress: Progress
) -> None:
    """The rows of every table of patients, with keys that follow the last one."""
    run = connection.execute
    row = run(
        "SELECT (SELECT count(*) FROM patient), (SELECT max(position) FROM cohort)"
    ).fetchone()
    first, last = row or (0, 0)
    panel = _panel_names(connection)
    run(
        "INSERT INTO cohort BY NAME SELECT * REPLACE (position + ? AS position, ? AS role) "
        "FROM own.cohort",
        [int(last) + 1, role],
    )
    keyed = f"SELECT * REPLACE (patient_key + {int(first)} AS patient_key)"
    for done, table in enumerate(("patient", "clinical", "endpoint", "profiled", "mutation")):
        progress(f"adding {table}", 0.4 + 0.08 * done)
        order = f" ORDER BY {ORDER[table]}" if table in ORDER else ""
        run(f"INSERT INTO {table} BY NAME {keyed} FROM own.{table}{order}")
    for old, new in panel.items():
        run(
            "UPDATE profiled SET panel_id = ? WHERE panel_id = ? AND patient_key >= ?",
            [new, old, int(first)],
        )
        run("INSERT INTO panel SELECT ?, name, all_genes, megabases FROM own.panel WHERE "
            "panel_id = ?", [new, old])  # fmt: skip
        run("INSERT INTO panel_gene SELECT ?, hugo_symbol FROM own.panel_gene WHERE panel_id = ?",
            [new, old])  # fmt: skip
    run(
        "INSERT INTO panel BY NAME SELECT * FROM own.panel WHERE panel_id NOT IN "
        "(SELECT panel_id FROM panel)"
    )
    run("INSERT INTO source BY NAME SELECT * FROM own.source")
    _add_genes(connection)
    if same_people:
        _link(connection, int(first))
    run("UPDATE build SET build_id = build_id || '+' || (SELECT build_id FROM own.build)")


def _panel_names(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Own panel of listed genes -> its name in the pool: another one where ``base`` has a panel of
    this name with other genes. A panel that is the same in both is absent."""
    found = connection.execute(
        "SELECT panel_id, panel_id IN (SELECT panel_id FROM panel) AS taken, "
        "(SELECT list(DISTINCT hugo_symbol ORDER BY hugo_symbol) FROM own.panel_gene g "
        "WHERE g.panel_id = p.panel_id) = (SELECT list(DISTINCT hugo_symbol ORDER BY hugo_symbol) "
        "FROM panel_gene g WHERE g.panel_id = p.panel_id) AS same, "
        "(SELECT any_value(cohort_id) FROM own.cohort) FROM own.panel p WHERE NOT all_genes"
    ).fetchall()
    return {
        str(name): f"{cohort}:{name}" if taken else str(name)
        for name, taken, same, cohort in found
        if not same
    }


def _add_genes(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "UPDATE gene SET n_mutant_ici = gene.n_mutant_ici + o.n_mutant_ici, "
        "on_panel = gene.on_panel OR o.on_panel FROM own.gene o "
        "WHERE gene.hugo_symbol = o.hugo_symbol AND (o.n_mutant_ici > 0 OR o.on_panel)"
    )
    connection.execute(
        "INSERT INTO gene BY NAME SELECT * FROM own.gene WHERE hugo_symbol NOT IN "
        "(SELECT hugo_symbol FROM gene) ORDER BY hugo_symbol"
    )


def _link(connection: duckdb.DuckDBPyConnection, first: int) -> None:
    """Own patients whose id a loaded cohort counts: counted there, and both records say so."""
    connection.execute(
        "CREATE TEMP TABLE twin AS SELECT o.patient_key AS own_key, b.patient_key AS base_key, "
        "o.cohort_id || ':' || o.patient_id AS own_name, "
        "b.cohort_id || ':' || b.patient_id AS base_name FROM patient o JOIN patient b "
        "USING (patient_id) WHERE o.patient_key >= ? AND b.patient_key < ? AND b.counted_here "
        "QUALIFY row_number() OVER (PARTITION BY o.patient_key ORDER BY b.patient_key) = 1",
        [first, first],
    )
    connection.execute(
        "UPDATE patient SET shared_with = twin.base_name, counted_here = FALSE FROM twin "
        "WHERE patient_key = twin.own_key"
    )
    connection.execute(
        "UPDATE patient SET shared_with = twin.own_name FROM twin "
        "WHERE patient_key = twin.base_key AND shared_with IS NULL"
    )
    connection.execute("DROP TABLE twin")


def _write(tables: Mapping[str, Any], path: Path, progress: Progress) -> None:
    connection = duckdb.connect(str(path))
    try:
        connection.execute("SET preserve_insertion_order = true")
        connection.execute(SCHEMA.read_text(encoding="utf-8"))
        known = {row[0] for row in connection.execute("SHOW TABLES").fetchall()}
        if unknown := set(tables) - known:
            raise BuildError(
                "The build made a table that the schema does not have.",
                where=str(SCHEMA),
                expected=", ".join(sorted(known)),
                found=", ".join(sorted(unknown)),
            )
        # cohort before patient, because of the reference
        names = sorted(tables, key=lambda name: (name != "build", name != "cohort", name))
        for done, name in enumerate(names):
            progress(f"writing {name}", 0.9 * done / len(names))
            _insert(connection, name, tables[name])
        connection.execute("CHECKPOINT")
    finally:
        connection.close()


def _write_blocks(blocks: Iterable[Mapping[str, Any]], path: Path, progress: Progress) -> None:
    """Blocks go to a file beside, as they come; from there to the store, sorted on disk."""
    columns: dict[str, str] = {}
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"SET memory_limit = '{BLOCK_MEMORY}'")
        connection.execute("SET temp_directory = ?", [f"{path}.spilled"])
        connection.execute(SCHEMA.read_text(encoding="utf-8"))
        aside = str(path).replace("'", "''") + ".aside"
        connection.execute(f"ATTACH '{aside}' AS aside")
        for block in blocks:
            for name, rows in block.items():
                if name not in columns:
                    connection.execute(f"CREATE TABLE aside.{name} AS FROM {name} LIMIT 0")
                columns[name] = _append(connection, name, rows)
        names = sorted(columns, key=lambda name: (name != "build", name != "cohort", name))
        for done, name in enumerate(names):
            progress(f"writing {name}", 0.5 + 0.4 * done / len(names))
            listed = columns[name]
            rows = WHOLE.get(name, f"SELECT {listed} FROM aside.{name}")
            order = f" ORDER BY {ORDER[name]}" if name in ORDER else ""
            for some in _some_genes(connection) if name == "expression" else [rows]:
                connection.execute(
                    f"INSERT INTO {name} ({listed}) SELECT {listed} FROM ({some}){order}"
                )
            connection.execute(f"DROP TABLE aside.{name}")
        connection.execute("CHECKPOINT")
    shutil.rmtree(f"{path}.spilled", ignore_errors=True)


def _some_genes(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The query of WHOLE for expression in parts of GENES_AT_ONCE, in order of the genes."""
    found = connection.execute("SELECT DISTINCT hugo_symbol FROM aside.expression ORDER BY 1")
    genes = ["'" + str(g).replace("'", "''") + "'" for (g,) in found.fetchall()]
    parts = [genes[at : at + GENES_AT_ONCE] for at in range(0, len(genes), GENES_AT_ONCE)]
    return [
        WHOLE["expression"].replace(
            "GROUP BY", f"WHERE hugo_symbol BETWEEN {part[0]} AND {part[-1]} GROUP BY"
        )
        for part in parts
    ]


def _append(connection: duckdb.DuckDBPyConnection, name: str, rows: Any) -> str:
    """Add a block's rows to the table beside; its columns as SQL lists them."""
    held = list(rows.columns) if isinstance(rows, pd.DataFrame) else list(rows.column_names)
    listed = ", ".join(f'"{c}"' for c in held)
    connection.register("incoming", rows)
    connection.execute(f"INSERT INTO aside.{name} ({listed}) SELECT {listed} FROM incoming")
    connection.unregister("incoming")
    return listed


def _insert(connection: duckdb.DuckDBPyConnection, name: str, rows: Any) -> None:
    columns = list(rows.columns) if isinstance(rows, pd.DataFrame) else list(rows.column_names)
    listed = ", ".join(f'"{c}"' for c in columns)
    order = f" ORDER BY {ORDER[name]}" if name in ORDER else ""
    connection.register("incoming", rows)
    try:
        connection.execute(f"INSERT INTO {name} ({listed}) SELECT {listed} FROM incoming{order}")
    except duckdb.Error as error:
        if _is_disk_full(error):
            raise
        raise BuildError(
            f"The rows made for the table {name!r} do not fit the schema.",
            where=str(SCHEMA),
            expected=f"the columns and constraints of {name}",
            found=str(error).splitlines()[0],
        ) from error
    finally:
        connection.unregister("incoming")


def _rename(temporary: Path, folder: Path) -> Path:
    with duckdb.connect(str(temporary), read_only=True) as connection:
        row = connection.execute("SELECT build_id FROM build").fetchone()
    build_id = str(row[0]) if row else "unknown"
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    path = folder / f"store-{build_id}-{stamp}.duckdb"
    _flush(temporary)
    named = {"file": path.name, "build_id": build_id, "sha256": sha256(temporary)}
    os.replace(temporary, path)
    pointer = folder / f"{TEMPORARY}{os.getpid()}-{uuid.uuid4().hex[:8]}.json"
    try:
        pointer.write_text(json.dumps(named), encoding="utf-8")
        _flush(pointer)
        os.replace(pointer, folder / POINTER)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        pointer.unlink(missing_ok=True)
    return path


def _flush(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _sweep(folder: Path) -> None:
    """Remove what builds that were killed left behind; those of living processes stay."""
    for leftover in folder.glob(f"{TEMPORARY}*"):
        owner = leftover.name.removeprefix(TEMPORARY).split("-")[0]
        if owner.isdigit() and int(owner) != os.getpid() and not alive(int(owner)):
            _remove(leftover)


def alive(process: int) -> bool:
    """Whether a process of this number runs; True where that cannot be told."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _remove(leftover: Path) -> None:
    if leftover.is_dir():
        shutil.rmtree(leftover, ignore_errors=True)
    else:
        leftover.unlink(missing_ok=True)


def _forget_old(folder: Path, current: Path) -> None:
    builds = sorted(folder.glob("store-*.duckdb"), key=lambda p: p.stat().st_mtime)
    for old in [b for b in builds if b != current][: -(KEEP - 1) or None]:
        try:
            old.unlink()
        except OSError:
            continue  # in use on a system that locks open files: the next build will try again


def _is_disk_full(error: Exception) -> bool:
    return "no space left" in str(error).lower() or getattr(error, "errno", None) == 28


def _build_error(error: Exception, folder: Path) -> DashboardError:
    if _is_disk_full(error):
        return BuildError(
            "The disk is full; the new store was thrown away.",
            where=str(folder),
            expected="about 1 GB free",
            found=str(error).splitlines()[0],
            remedy="Free some space or name another folder with --store. The store in use is "
            "untouched.",
        )
    return BuildError(
        "The new store could not be written and was thrown away.",
        where=str(folder),
        found=str(error).splitlines()[0],
        remedy="Check that the folder can be written to. The store in use is untouched.",
    )
