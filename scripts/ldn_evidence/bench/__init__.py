"""Measure builds of a generated catalogue against two baselines."""

from ldn_evidence.bench.measure import run_bench, run_scale

__all__ = ["run_bench", "run_scale"]
