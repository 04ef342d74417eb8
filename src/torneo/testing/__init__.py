"""For those who write plug-ins and tests: stores in memory, a clock that stands still, and conformance suites.

A suite is a tuple of checks; each takes a factory and raises AssertionError, saying what is wrong:

```python
from torneo.testing import OBJECTS_SUITE

@pytest.mark.parametrize("check", OBJECTS_SUITE, ids=lambda check: check.__name__)
def test_my_store_conforms(check, tmp_path):
    check(lambda: MyObjects(tmp_path))
```

A factory gives a store that is empty at first; called again within a check, it opens the same store again.
"""

from torneo.testing.conformance_objects import OBJECTS_SUITE
from torneo.testing.conformance_prediction_log import LOG_SUITE
from torneo.testing.conformance_refusals import REFUSALS_SUITE
from torneo.testing.conformance_registry import REGISTRY_SUITE
from torneo.testing.conformance_state import STATE_SUITE
from torneo.testing.conformance_warehouse import WAREHOUSE_SUITE
from torneo.testing.memory_objects import MemoryObjects
from torneo.testing.memory_prediction_log import MemoryPredictionLog
from torneo.testing.memory_registry import MemoryRegistry
from torneo.testing.memory_state import MemoryState
from torneo.testing.still import FixedClock, SilentProgress

__all__ = [
    "LOG_SUITE",
    "OBJECTS_SUITE",
    "REFUSALS_SUITE",
    "REGISTRY_SUITE",
    "STATE_SUITE",
    "WAREHOUSE_SUITE",
    "FixedClock",
    "MemoryObjects",
    "MemoryPredictionLog",
    "MemoryRegistry",
    "MemoryState",
    "SilentProgress",
]
