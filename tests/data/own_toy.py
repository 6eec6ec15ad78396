"""A made-up study of 60 patients as a person would upload it: archive, or two tables."""

from __future__ import annotations

import io
import zipfile

import numpy as np

N = 60


def study_files(cohort: str = "Toy cohort") -> dict[str, str]:
    """The files of a cBioPortal study: ALK in every third patient, TP53 in every second; the
    last five samples have no panel."""
    head = "#a\n#b\n#c\n#d\n"
    patients = [head + "PATIENT_ID\tSEX\tAGE\tOS_MONTHS\tOS_STATUS\tDRUG\tSMOKER"]
    samples = [head + "PATIENT_ID\tSAMPLE_ID\tCANCER_TYPE\tTMB_NONSYNONYMOUS"]
    calls = ["Hugo_Symbol\tTumor_Sample_Barcode\tVariant_Classification\tHGVSp_Short"]
    matrix = ["SAMPLE_ID\tmutations"]
    for i, (time, event) in enumerate(_times()):
        status = "1:DECEASED" if event else "0:LIVING"
        sex, smoker = ("Male", "yes") if i % 2 else ("Female", "no")
        patients.append(f"T{i:02d}\t{sex}\t{40 + i % 40}\t{time}\t{status}\tnivolumab\t{smoker}")
        samples.append(f"T{i:02d}\tT{i:02d}-S\t{'Melanoma' if i < 40 else 'BLCA'}\t{1 + i % 13}.5")
        sequenced = i < N - 5
        matrix.append(f"T{i:02d}-S\t{'TOY' if sequenced else 'NA'}")
        if i % 3 == 0 and sequenced:
            calls.append(f"ALK\tT{i:02d}-S\tMissense_Mutation\tp.R1275Q")
        if i % 2 and sequenced:
            calls.append(f"TP53\tT{i:02d}-S\tNonsense_Mutation\tp.R196*")
    return {
        "data_clinical_patient.txt": "\n".join(patients) + "\n",
        "data_clinical_sample.txt": "\n".join(samples) + "\n",
        "data_mutations.txt": "\n".join(calls) + "\n",
        "data_gene_panel_matrix.txt": "\n".join(matrix) + "\n",
        "data_gene_panel_toy.txt": "stable_id: TOY\ngene_list: ALK\tTP53\tBRAF\n",
        "meta_study.txt": f"cancer_study_identifier: toy\nname: {cohort}\ncitation: Toy, 2026\n",
    }


def zipped(files: dict[str, str] | None = None, folder: str = "toy/") -> bytes:
    """An archive of the files."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in (study_files() if files is None else files).items():
            bundle.writestr(folder + name, text)
    return held.getvalue()


def patients_csv() -> str:
    """One row a patient, in days, dead as 0 and 1, German response words left out."""
    rows = ["Patient,Gender,Age,OS days,dead,Cancer type,TMB count,Best response"]
    for i, (time, event) in enumerate(_times()):
        response = ("CR", "PR", "SD", "PD")[i % 4]
        rows.append(
            f"T{i:02d},{'M' if i % 2 else 'F'},{40 + i % 40},{round(time * 30.4)},{int(event)},"
            f"Melanoma,{30 * (1 + i % 9)},{response}"
        )
    return "\n".join(rows) + "\n"


def mutations_csv() -> str:
    """One row a mutation, by patient."""
    rows = ["Patient,Gene,Effect,Protein change"]
    for i in range(N):
        if i % 3 == 0:
            rows.append(f"T{i:02d},ALK,Missense_Mutation,p.R1275Q")
        if i % 2:
            rows.append(f"T{i:02d},TP53,Nonsense_Mutation,p.R196*")
    return "\n".join(rows) + "\n"


def _times() -> list[tuple[float, bool]]:
    draw = np.random.default_rng(4)
    event, censor = draw.exponential(18, N), draw.uniform(5, 50, N)
    return [(round(float(min(e, c)), 1), bool(e < c)) for e, c in zip(event, censor, strict=True)]
