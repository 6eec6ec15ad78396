"""cBioPortal study folders and their archives, in every published variation.

Format: cBioPortal's "File Formats" documentation. ``meta_*.txt`` files name the data files;
where one is absent the standard names stand in.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core.model import BadFile
from data.readers import maf
from data.readers.archive import MAX_BYTES, is_archive, member_name, unpack
from data.readers.content import read_text
from data.readers.delimited import read_delimited
from data.readers.table import Study, Table

STANDARD_NAMES: dict[str, tuple[str, ...]] = {
    "patients": ("data_clinical_patient.txt",),
    "samples": ("data_clinical_sample.txt",),
    "clinical": ("data_clinical.txt",),
    "mutations": ("data_mutations.txt", "data_mutations_extended.txt", "data_mutations_mskcc.txt"),
    "gene_matrix": ("data_gene_panel_matrix.txt", "data_gene_matrix.txt"),
    "fusions": ("data_sv.txt", "data_fusions.txt"),
    "cna": ("data_cna.txt", "data_CNA.txt"),
}
"""Table -> the file names that studies use, newest first, for a study without ``meta_*`` files."""

META_TABLES: dict[tuple[str, str], str] = {
    ("CLINICAL", "PATIENT_ATTRIBUTES"): "patients",
    ("CLINICAL", "SAMPLE_ATTRIBUTES"): "samples",
    ("CLINICAL", "MIXED_ATTRIBUTES"): "clinical",
    ("MUTATION_EXTENDED", "MAF"): "mutations",
    ("GENE_PANEL_MATRIX", "GENE_PANEL_MATRIX"): "gene_matrix",
    ("STRUCTURAL_VARIANT", "SV"): "fusions",
    ("FUSION", "FUSION"): "fusions",
    ("COPY_NUMBER_ALTERATION", "DISCRETE"): "cna",
}
"""(genetic_alteration_type, datatype) of a meta file -> the table its data file holds."""

_KEYS = {"patients": "PATIENT_ID", "samples": "SAMPLE_ID", "gene_matrix": "SAMPLE_ID"}
_WANTED_FOLDERS = {"case_lists", "gene_panels"}
_NOT_LOADED = ("fusions", "cna")


def read_study(
    path: str | Path, *, panels: str | Path | None = None, most: int = MAX_BYTES
) -> Study:
    """Read a study folder, or a ``.zip`` or ``.tar.gz`` of one that unpacks to ``most`` bytes.

    ``panels`` is a further folder of ``data_gene_panel*.txt`` files, for panels that the study
    names but does not carry.

    The tables, each only if its file is there: ``patients``, ``samples``, ``gene_matrix``
    (SAMPLE_ID and one column of panel ids per profile), and ``mutations``, which holds the
    columns of ``maf.ALIASES`` under the file's own names (``maf.canonical_names`` maps them).
    A study of the old kind, with one ``data_clinical.txt``, gives that file as ``samples`` and
    its first row per patient as ``patients``. Fusions and copy number are noted, not read.
    ``case_lists`` adds ``maf_header``, the samples of the mutation file's own
    ``#sequenced_samples`` line, which also stands for an absent ``sequenced`` list.
    ``meta`` is meta_study.txt.

    Raises BadFile for a folder without any study file, an archive that is damaged or unsafe
    (see ``archive``), a meta file that names a file outside the folder or one that is absent,
    a missing or repeated PATIENT_ID or SAMPLE_ID, and whatever the table readers raise.
    """
    path = Path(path)
    with _folder(path, most) as files:
        return _Reader(files).study(Path(panels) if panels else None)


@dataclass
class _Files:
    """Where the study's files stand, and what errors and tables call that place."""

    folder: Path
    shown: Path

    def label(self, path: Path) -> Path:
        return self.shown / path.relative_to(self.folder)


@contextmanager
def _folder(path: Path, most: int) -> Iterator[_Files]:
    """The study's folder: ``path`` itself, or what its archive holds, unpacked for a while."""
    if path.is_dir():
        yield _Files(_study_root(path, path), path)
        return
    if path.exists() and not is_archive(path):
        raise BadFile(
            "This is neither a study folder nor an archive of one.",
            where=str(path),
            expected="a folder, a .zip or a .tar.gz",
            found=f"a file of {path.stat().st_size:,} bytes",
            remedy="Name the folder that holds data_clinical_patient.txt. If this should be an "
            "archive, it is damaged: fetch it again.",
        )
    with tempfile.TemporaryDirectory(prefix="study-") as name:
        scratch = Path(name)
        unpack(path, scratch, _is_study_file, most=most)
        root = _study_root(scratch, path)
        yield _Files(root, path / root.relative_to(scratch))


def _is_study_file(name: str) -> bool:
    """Whether an archive member can be needed: small text files and the tables that are read."""
    parts = name.split("/")
    file = parts[-1].lower()
    if not file.endswith(".txt") or file.startswith("._"):
        return False
    if len(parts) > 1 and parts[-2] in _WANTED_FOLDERS:
        return True
    heavy = ("mrna", "rna_seq", "methylation", "rppa", "protein", "log2", "linear", "expression")
    return not any(word in file for word in heavy) or file.startswith("meta_")


def _study_root(folder: Path, shown: Path) -> Path:
    """The folder that holds the study's files: ``folder`` or its only subfolder that has any."""
    candidates = [folder, *(child for child in sorted(folder.iterdir()) if child.is_dir())]
    for candidate in candidates:
        if any(candidate.glob("data_*.txt")):
            return candidate
    raise BadFile(
        "No cBioPortal study is here.",
        where=str(shown),
        expected="files such as data_clinical_patient.txt and data_mutations.txt",
        found=", ".join(sorted(p.name for p in folder.iterdir())[:10]) or "nothing",
        remedy="Name the study's own folder, or fetch the study again.",
    )


@dataclass
class _Reader:
    files: _Files
    notes: list[str] = field(default_factory=list)

    def study(self, more_panels: Path | None) -> Study:
        found = self._data_files()
        tables: dict[str, Table] = {}
        case_lists = self._case_lists()
        for name, path in found.items():
            label = self.files.label(path)
            if name in _NOT_LOADED:
                self.notes.append(f"{label.name} holds {name}; it is there and not loaded.")
            elif name == "clinical":
                self._old_clinical(path, tables)
            elif name == "mutations":
                tables[name] = _mutations(path, label)
                listed = maf.read_header(path, label).sequenced_samples
                if listed:
                    case_lists["maf_header"] = listed
                    case_lists.setdefault("sequenced", listed)
            else:
                tables[name] = read_delimited(path, label=label, delimiter="\t", quoting=False)
        for name, key in _KEYS.items():
            if name in tables:
                tables[name].require_unique(key)
        if "samples" in tables:
            tables["samples"].require(["PATIENT_ID"])
        for name in ("patients", "samples", "mutations"):
            if name not in tables:
                self.notes.append(f"The study has no {name} file.")
        panels = _read_panels(self._panel_files(more_panels), self.files)
        return Study(tables, panels, case_lists, self._meta_study(), tuple(self.notes))

    def _data_files(self) -> dict[str, Path]:
        """Table -> its file, as the meta files say, else by standard name."""
        found: dict[str, Path] = {}
        for path in sorted(self.files.folder.glob("meta_*.txt")):
            meta = _read_pairs(path, self.files.label(path))
            kind = (meta.get("genetic_alteration_type", ""), meta.get("datatype", ""))
            table = META_TABLES.get((kind[0].upper(), kind[1].upper()))
            if table is None or not meta.get("data_filename"):
                continue
            target = self._inside(meta["data_filename"], path)
            if target.exists():
                found.setdefault(table, target)
            elif table in _NOT_LOADED:
                self.notes.append(f"{path.name} names {target.name}, which is not here.")
            else:
                raise BadFile(
                    f"{path.name} names a data file that is not there.",
                    where=str(self.files.label(path)),
                    expected=f"the file {meta['data_filename']}",
                    found=", ".join(sorted(p.name for p in self.files.folder.glob("data_*"))),
                    remedy="Fetch the study again, or correct data_filename.",
                )
        for table, names in STANDARD_NAMES.items():
            for name in names:
                if table not in found and (self.files.folder / name).exists():
                    found[table] = self.files.folder / name
        return found

    def _inside(self, name: str, meta: Path) -> Path:
        """The named file, which must lie in the study's folder."""
        return self.files.folder / member_name(name, self.files.label(meta))

    def _old_clinical(self, path: Path, tables: dict[str, Table]) -> None:
        table = read_delimited(path, label=self.files.label(path), delimiter="\t", quoting=False)
        first = ~table.column("PATIENT_ID").duplicated()
        tables.setdefault("samples", table)
        tables.setdefault("patients", Table(table.frame[first], table.path))
        self.notes.append(f"{path.name} serves as both the patient and the sample table.")

    def _case_lists(self) -> dict[str, tuple[str, ...]]:
        lists = {}
        for path in sorted(self.files.folder.glob("case_lists/*.txt")):
            label = self.files.label(path)
            pairs = _read_pairs(path, label)
            for key in ("stable_id", "case_list_ids"):
                if key not in pairs:
                    raise BadFile(
                        f"The case list has no {key}.",
                        where=str(label),
                        expected=f"a line '{key}: ...'",
                        found="lines for " + ", ".join(pairs),
                        remedy="Fetch the study again.",
                    )
            study = pairs.get("cancer_study_identifier", "")
            name = pairs["stable_id"].removeprefix(f"{study}_")
            lists[name] = tuple(pairs["case_list_ids"].split())
        return lists

    def _panel_files(self, more: Path | None) -> list[Path]:
        """Gene panel files: the study's own first, for they are the ones it was made with."""
        folders = [self.files.folder, self.files.folder / "gene_panels", *([more] if more else [])]
        return [p for f in folders for p in sorted(f.glob("data_gene_panel_*.txt"))
                if "matrix" not in p.name]  # fmt: skip

    def _meta_study(self) -> dict[str, str]:
        path = self.files.folder / "meta_study.txt"
        if path.exists():
            return _read_pairs(path, self.files.label(path))
        self.notes.append("The study has no meta_study.txt.")
        return {}


def _mutations(path: Path, label: Path) -> Table:
    """The known MAF columns under the file's own names."""
    own = maf.canonical_names(maf.read_header(path, label).names)
    frame = maf.read_maf(path, label=label).to_pandas().set_index("line").astype(object)
    frame = frame.where(frame.notna(), None)
    return Table(frame.rename(columns=own), label)


def _read_pairs(path: Path, label: Path) -> dict[str, str]:
    """The ``key: value`` lines of a meta file, case list or gene panel."""
    pairs = {}
    for line in read_text(path, label=label).splitlines():
        key, colon, value = line.partition(":")
        if colon and not line.startswith("#"):
            pairs[key.strip()] = value.strip()
    if not pairs:
        raise BadFile(
            "The file holds no 'key: value' line.",
            where=str(label),
            expected="lines such as 'stable_id: ...'",
            found="none",
            remedy="Fetch the study again.",
        )
    return pairs


def _read_panels(paths: list[Path], files: _Files) -> dict[str, tuple[str, ...]]:
    """Panel id -> genes."""
    panels: dict[str, tuple[str, ...]] = {}
    for path in paths:
        own = path.is_relative_to(files.folder)
        label = files.label(path) if own else path
        pairs = _read_pairs(path, label)
        if "stable_id" not in pairs or not pairs.get("gene_list", "").split():
            raise BadFile(
                "The gene panel is incomplete.",
                where=str(label),
                expected="the lines 'stable_id: ...' and 'gene_list: ...'",
                found="lines for " + ", ".join(pairs),
                remedy="Fetch the study again.",
            )
        panels.setdefault(pairs["stable_id"], tuple(pairs["gene_list"].split()))
    return panels


def read_panels(folder: str | Path) -> dict[str, tuple[str, ...]]:
    """The gene panels (``data_gene_panel_*.txt``) of a folder: panel id -> genes."""
    folder = Path(folder)
    return _read_panels(sorted(folder.glob("data_gene_panel_*.txt")), _Files(folder, folder))
