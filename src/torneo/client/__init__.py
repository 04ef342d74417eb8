"""A typed client of a Torneo server, in two forms: `Client` and `AsyncClient`.

```python
from torneo.client import Client

with Client("https://models.example", key=os.environ["KEY"], project="housing") as client:
    prediction = client.predict({"RM": 6.5, "LSTAT": 4.9, ...})
    client.report(prediction.prediction_id, 24.0)
```
"""

from torneo.client.answers import Explanation, HistoryPage, Interval, Logged, Prediction, Recorded, Warned
from torneo.client.asynchronous import AsyncClient
from torneo.client.exchange import AnswerError, UnreachableError
from torneo.client.synchronous import Client
from torneo.client.values import UnsendableError

__all__ = [
    "AnswerError",
    "AsyncClient",
    "Client",
    "Explanation",
    "HistoryPage",
    "Interval",
    "Logged",
    "Prediction",
    "Recorded",
    "UnreachableError",
    "UnsendableError",
    "Warned",
]
