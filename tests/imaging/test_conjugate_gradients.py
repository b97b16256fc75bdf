"""Conjugate gradients against a direct solution."""

from __future__ import annotations

import numpy as np
import pytest

from monai_inpaint.imaging.conjugate_gradients import conjugate_gradients


@pytest.mark.parametrize(("dtype", "precision"), [(np.float64, 1e-10), (np.float32, 1e-4)])
def test_the_solution_is_that_of_the_matrix_and_keeps_the_type(dtype: type, precision: float) -> None:
    random = np.random.default_rng(0)
    root = random.normal(size=(40, 40))
    matrix, right = (root @ root.T + 5 * np.eye(40)).astype(dtype), random.normal(size=40).astype(dtype)
    found, solved = conjugate_gradients(lambda x: matrix @ x, right, precision, 200)

    assert solved
    assert found.dtype == dtype
    np.testing.assert_allclose(found, np.linalg.solve(matrix.astype(float), right), atol=100 * precision)


def test_too_few_steps_are_said_and_come_nearer() -> None:
    matrix, right = np.diag(np.arange(1.0, 51.0)), np.ones(50)
    found, solved = conjugate_gradients(lambda x: matrix @ x, right, 1e-10, 5)

    assert not solved
    assert np.linalg.norm(matrix @ found - right) < np.linalg.norm(right)


def test_zero_is_solved_by_zero() -> None:
    found, solved = conjugate_gradients(lambda x: x, np.zeros(3), 1e-6, 0)

    assert solved
    assert not found.any()
