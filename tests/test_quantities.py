from __future__ import annotations

import pytest

from archesai_infra.quantities import cpu_cores, mebibytes, memory_bytes


@pytest.mark.parametrize(
    ("quantity", "count"),
    [
        ("1", 1),
        ("1k", 1000),
        ("1Ki", 1024),
        ("512Mi", 512 * 2**20),
        ("1.5Gi", 3 * 2**29),
        ("2G", 2 * 10**9),
        ("1Ti", 2**40),
        ("1P", 10**15),
    ],
)
def test_bytes_count_in_twos_and_in_tens(quantity: str, count: int) -> None:
    assert memory_bytes(quantity) == count


@pytest.mark.parametrize("quantity", ["", "0", "0Gi", "Gi", "-1Gi", "1GB", "1gi", "1 Gi", "1e3", "500m", "1Gi\n"])
def test_what_is_no_quantity_of_bytes_is_refused_with_an_example(quantity: str) -> None:
    with pytest.raises(ValueError, match="must be a quantity of bytes, such as 512Mi or 10Gi"):
        memory_bytes(quantity)


@pytest.mark.parametrize(("quantity", "cores"), [("1", 1.0), ("250m", 0.25), ("1.5", 1.5), ("1500m", 1.5)])
def test_cpu_counts_in_cores_and_thousandths(quantity: str, cores: float) -> None:
    assert cpu_cores(quantity) == cores


@pytest.mark.parametrize("quantity", ["", "0", "0m", "m", "-1", "1 core", "1Gi"])
def test_what_is_no_quantity_of_cpu_is_refused_with_an_example(quantity: str) -> None:
    with pytest.raises(ValueError, match="must be a quantity of CPU, such as 250m or 1"):
        cpu_cores(quantity)


@pytest.mark.parametrize(("count", "quantity"), [(2**30, "1024Mi"), (2**30 - 1, "1023Mi"), (2**20, "1Mi"), (5, "1Mi")])
def test_mebibytes_round_down_and_never_to_nothing(count: int, quantity: str) -> None:
    assert mebibytes(count) == quantity
