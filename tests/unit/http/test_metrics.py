"""What a worker counts, alone and beside others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from torneo.http.metrics import Metrics

WORKER = """
from torneo.http.metrics import Metrics
metrics = Metrics()
for _ in range(3):
    metrics.answered("shop", "predict", 200, 0.004)
metrics.predicted("shop", 1, "champion", 5)
metrics.refused("shop", "invalid_a", 2)
print(metrics.text().decode())
"""


def test_metrics_of_one_server_do_not_mix_with_those_of_another() -> None:
    one, other = Metrics(), Metrics()
    one.answered("shop", "predict", 200, 0.004)
    assert 'torneo_http_requests_total{project="shop",route="predict",status="200"} 1.0' in one.text().decode()
    assert "shop" not in other.text().decode()


def test_all_workers_are_added_up_those_that_were_killed_too(tmp_path: Path) -> None:
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PATH": ""}
    for _ in range(2):
        text = subprocess.run(
            [sys.executable, "-c", WORKER], env=environment, capture_output=True, text=True, check=True
        ).stdout
    assert 'torneo_http_requests_total{project="shop",route="predict",status="200"} 6.0' in text
    assert 'torneo_predictions_total{project="shop",role="champion",version="1"} 10.0' in text
    assert 'torneo_refused_values_total{project="shop",reason="invalid_a"} 4.0' in text
    assert 'torneo_http_request_duration_seconds_bucket{le="0.005",project="shop",route="predict"} 6.0' in text
