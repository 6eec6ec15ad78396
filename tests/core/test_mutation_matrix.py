"""The matrix of patients and genes: the three states agree with the question for one gene."""

from __future__ import annotations

import numpy as np

from core.model import VARIANT_GROUPS, Filters
from core.store import Store


def test_every_column_has_the_states_of_the_single_gene(simulated: Store) -> None:
    keys = simulated.patients(Filters()).patient_key.to_numpy()
    matrix = simulated.mutation_matrix(keys, min_mutant=5)
    assert len(matrix.genes) > 50
    for column in np.linspace(0, len(matrix.genes) - 1, 12).astype(int):
        status = simulated.mutation_status(matrix.genes[column])[keys]
        mutated = matrix.mutated[:, [column]].toarray().ravel()
        profiled = matrix.profiled[:, matrix.profile_of_gene[column]]
        assert (mutated == (status == 1)).all()
        assert (profiled[status == 0]).all() and not profiled[status == -1].any()
        assert mutated.sum() >= 5


def test_rows_follow_the_keys_and_classes_narrow_the_calls(simulated: Store) -> None:
    keys = simulated.patients(Filters()).patient_key.to_numpy()
    forward = simulated.mutation_matrix(keys, VARIANT_GROUPS["missense"])
    backward = simulated.mutation_matrix(keys[::-1], VARIANT_GROUPS["missense"])
    assert (forward.mutated.toarray() == backward.mutated.toarray()[::-1]).all()
    assert (forward.profiled == backward.profiled[::-1]).all()
    assert forward.mutated.sum() < simulated.mutation_matrix(keys).mutated.sum()


def test_no_patient_and_no_gene_are_empty_matrices(simulated: Store) -> None:
    assert simulated.mutation_matrix([]).mutated.shape == (0, 0)
    assert simulated.mutation_matrix([0, 1], min_mutant=3).mutated.shape == (2, 0)
