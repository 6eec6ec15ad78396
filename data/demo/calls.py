"""Mutation calls: passengers by burden and gene length, drivers by tumour type, ALK exactly.

A tumour's number of non-synonymous calls over the whole exome is Poisson around its burden; the
genes of the store get their share of it by length, so every gene is confounded by burden.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.demo import plan
from data.demo.draw import Bools, Floats, Ints, choices, choose_exactly, scaled, stream
from data.demo.genes import (
    DRIVERS,
    HOTSPOTS,
    PASSENGER_RATE,
    TUMOUR_SUPPRESSORS,
    panels,
    protein_length,
)

CLASSES: tuple[str, ...] = tuple(
    dict.fromkeys([c for c, _ in plan.PASSENGER_CLASSES + plan.SUPPRESSOR_CLASSES] + ["Silent"])
)
SILENT = CLASSES.index("Silent")


@dataclass(frozen=True)
class Universe:
    """Genes that may be mutated (sorted), their lengths and their weights as passengers."""

    genes: tuple[str, ...]
    length: Ints
    weight: Floats

    @classmethod
    def of(cls, genes: set[str]) -> Universe:
        ordered = tuple(sorted(genes))
        length = np.array([protein_length(g) for g in ordered])
        rate = np.array([PASSENGER_RATE.get(g, 1.0) for g in ordered])
        return cls(ordered, length, length * rate)

    def index(self, gene: str) -> int:
        return self.genes.index(gene)


@dataclass(frozen=True)
class Calls:
    """One entry per call: patient row, gene index, class index, and whether it is a driver."""

    patient: Ints
    gene: Ints
    kind: Ints
    position: Ints
    hotspot: Ints
    """Index into the gene's HOTSPOTS entry, or -1."""
    origin: Ints
    """The call itself, or the one it repeats for a person whom two studies report."""
    exome_calls: Ints
    """Non-synonymous calls of each patient over the whole exome (length: patients)."""

    def mutated(self, gene: int, n: int) -> Bools:
        """Which of ``n`` patients carry a non-synonymous call of a gene."""
        found = np.zeros(n, dtype=bool)
        found[self.patient[(self.gene == gene) & (self.kind != SILENT)]] = True
        return found


def draw_calls(people: pd.DataFrame, universe: Universe, seed: int, scale: float) -> Calls:
    """Calls of every profiled record; a person whom two studies report has the same in both."""
    rng = stream(seed, "calls")
    person = people["person"].to_numpy()
    counted = people["profiled"].to_numpy() & (person == np.arange(len(people)))
    exome = rng.poisson(people["burden_"].to_numpy() * plan.EXOME_MEGABASES) * counted
    alk = universe.index("ALK")
    patient, gene = _passengers(rng, exome, universe, alk)
    driver_patient, driver_gene = _drivers(rng, people["profile_"].to_numpy(), counted, universe)
    alk_patient = _alk_mutant(people, seed, scale)
    extra = rng.poisson(plan.EXTRA_ALK_CALLS, len(alk_patient))
    alk_patient = np.concatenate([alk_patient, np.repeat(alk_patient, extra)])
    silent = rng.random(len(patient)) < plan.SILENT_PER_NON_SYNONYMOUS
    parts = (
        (patient, gene, 0),
        (driver_patient, driver_gene, 1),
        (alk_patient, np.full(len(alk_patient), alk), 2),
        (patient[silent], rng.permutation(gene[silent]), 3),
    )
    all_patient = np.concatenate([p for p, _, _ in parts])
    all_gene = np.concatenate([g for _, g, _ in parts])
    origin = np.concatenate([np.full(len(p), o) for p, _, o in parts])
    kept = _on_panel(people, all_patient, all_gene, universe)
    kept &= (origin != 3) | (people["panel_"].to_numpy()[all_patient] == "exome")
    all_patient, all_gene, origin = all_patient[kept], all_gene[kept], origin[kept]
    kind = _classes(rng, all_gene, origin, universe)
    position, hotspot = _positions(rng, all_gene, kind, origin, universe)
    copies = _copied(person, all_patient)
    calls = [
        np.concatenate([values, values[copies[0]]])
        for values in (all_gene, kind, position, hotspot)
    ]
    total = np.concatenate([all_patient, copies[1]])
    order = np.lexsort((calls[2], total, calls[0]))
    place = np.argsort(order, kind="stable")
    repeats = place[np.concatenate([np.arange(len(all_patient)), copies[0]])[order]]
    return Calls(
        total[order], calls[0][order], calls[1][order], calls[2][order], calls[3][order],
        repeats, exome[person],
    )  # fmt: skip


def _passengers(
    rng: np.random.Generator, exome: Ints, universe: Universe, alk: int
) -> tuple[Ints, Ints]:
    weight = universe.weight.astype(float).copy()
    weight[alk] = 0.0
    share = min(1.0, weight.sum() / plan.EXOME_RESIDUES)
    n = rng.binomial(exome, share)
    return np.repeat(np.arange(len(exome)), n), choices(rng, weight.tolist(), int(n.sum()))


def _drivers(
    rng: np.random.Generator, profile: np.ndarray, counted: Bools, universe: Universe
) -> tuple[Ints, Ints]:
    patients, genes = [], []
    for label, rates in DRIVERS.items():
        rows = np.flatnonzero((profile == label) & counted)
        hit = rng.random((len(rows), len(rates))) < np.array(list(rates.values()))
        who, what = np.nonzero(hit)
        patients.append(rows[who])
        genes.append(np.array([universe.index(g) for g in rates])[what])
    return np.concatenate(patients), np.concatenate(genes)


def _alk_mutant(people: pd.DataFrame, seed: int, scale: float) -> Ints:
    """Rows of the ALK-mutant patients: the published number in each cohort, more at high burden."""
    person = people["person"].to_numpy()
    own = people["profiled"].to_numpy() & (person == np.arange(len(people)))
    weight = plan.ALK_BURDEN_EXPONENT * np.log(people["burden_"].to_numpy())
    cohort = people["cohort_id"].to_numpy()
    mutant = np.zeros(len(people), dtype=bool)
    wanted = {c.cohort_id: c.mutant for c in plan.ICI} | {"tcga": plan.TCGA_ALK_MUTANT}
    borrowing = {c.cohort_id for c in plan.ICI if c.shared_from}
    # A study that reports others' patients takes those as they are and adds the rest.
    for cohort_id in sorted(wanted, key=lambda c: (c in borrowing, c)):
        here = cohort == cohort_id
        rows = np.flatnonzero(here & own & people["treated_with_ici"]) if cohort_id != "tcga" \
            else np.flatnonzero(here & own)  # fmt: skip
        shared = int(mutant[person[here & ~own & people["profiled"]]].sum())
        count = max(0, scaled(wanted[cohort_id], scale) - shared)
        rng = stream(seed, cohort_id, "ALK")
        mutant[rows[choose_exactly(rng, weight[rows], count)]] = True
        control = np.flatnonzero(here & own & people["arm_"].to_numpy())
        if len(control):  # the control arm is mutated as often as the treated one
            count = round(len(control) * wanted[cohort_id] / len(rows) * scale)
            mutant[control[choose_exactly(rng, weight[control], count)]] = True
    return np.flatnonzero(mutant)


def _on_panel(people: pd.DataFrame, patient: Ints, gene: Ints, universe: Universe) -> Bools:
    panel = people["panel_"].to_numpy()[patient]
    kept = panel == "exome"
    for panel_id, members in panels().items():
        listed = np.isin(np.array(universe.genes), members)
        kept |= (panel == panel_id) & listed[gene]
    return np.asarray(kept, dtype=bool)


def _classes(rng: np.random.Generator, gene: Ints, origin: Ints, universe: Universe) -> Ints:
    n = len(gene)
    tables = []
    for table in (plan.PASSENGER_CLASSES, plan.SUPPRESSOR_CLASSES):
        codes = np.array([CLASSES.index(c) for c, _ in table])
        tables.append(codes[choices(rng, [share for _, share in table], n)])
    suppressor = np.array([g in TUMOUR_SUPPRESSORS for g in universe.genes])[gene]
    oncogene = np.array([g in HOTSPOTS for g in universe.genes])[gene] & ~suppressor
    kind = np.where((origin == 1) & suppressor, tables[1], tables[0])
    kind = np.where((origin == 1) & oncogene, CLASSES.index("Missense_Mutation"), kind)
    return np.where(origin == 3, SILENT, kind)


def _positions(
    rng: np.random.Generator, gene: Ints, kind: Ints, origin: Ints, universe: Universe
) -> tuple[Ints, Ints]:
    """Residue of each call, uniform along the protein except at hotspots."""
    length = universe.length[gene]
    position = 2 + np.floor(rng.random(len(gene)) * (length - 2)).astype(np.int64)
    position = np.where(kind == CLASSES.index("Translation_Start_Site"), 1, position)
    position = np.where(kind == CLASSES.index("Nonstop_Mutation"), length + 1, position)
    hotspot = np.full(len(gene), -1)
    missense = kind == CLASSES.index("Missense_Mutation")
    share = np.select([origin == 1, origin == 2],
                      [plan.HOTSPOT_SHARE_OF_DRIVERS, plan.HOTSPOT_SHARE_OF_ALK], 0.0)  # fmt: skip
    lucky = missense & (rng.random(len(gene)) < share)
    for symbol, spots in HOTSPOTS.items():
        rows = np.flatnonzero(lucky & (gene == universe.index(symbol)))
        hotspot[rows] = choices(rng, [s.weight for s in spots], len(rows))
        position[rows] = np.array([s.residue for s in spots])[hotspot[rows]]
    return position, hotspot


def _copied(person: Ints, patient: Ints) -> tuple[Ints, Ints]:
    """Calls to repeat for records of persons whom another study sequenced: (call, record)."""
    records = np.flatnonzero(person != np.arange(len(person)))
    order = np.argsort(patient, kind="stable")
    ordered = patient[order]
    first = np.searchsorted(ordered, person[records], side="left")
    last = np.searchsorted(ordered, person[records], side="right")
    counts = last - first
    start = np.repeat(first - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
    return order[start + np.arange(int(counts.sum()))], np.repeat(records, counts)
