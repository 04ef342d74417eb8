"""Drafts of the real files beside the project: every row passes, and what is known of them is said."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.unit.draft.conftest import through_the_gate

from torneo.draft.project import draft


@pytest.mark.parametrize(
    ("file", "target", "expected"),
    [
        ("HousingData.csv", "MEDV", {"CHAS": "category", "RAD": "int", "ZN": "float", "MEDV": "float"}),
        ("ventas.csv", "Ventas", {"Fecha": "date", "Promociones": "category", "DíaDeLaSemana": "int"}),
        ("Social_Network_Ads.csv", "Purchased", {"User ID": "int", "Gender": "category", "Purchased": "category"}),
        ("telco_customer_churn.csv", "Churn", {"TotalCharges": "float", "tenure": "int", "Partner": "category"}),
        ("churn_modelling_missing.csv", "Exited", {"Surname": "text", "Age": "int", "Balance": "float"}),
        ("rossmann_sales_100stores.csv", "Sales", {"Date": "date", "StateHoliday": "category", "DayOfWeek": "int"}),
        ("rossmann_stores_100.csv", "StoreType", {"PromoInterval": "category", "CompetitionDistance": "float"}),
        ("cdnow_transactions.csv", "price", {"column_1": "int", "customer_id": "int", "date": "date"}),
        ("crypto_btc_daily.csv", "Close", {"Date": "date", "Volume": "float"}),
        ("crypto_eth_daily.csv", "Close", {"Date": "date", "Volume": "float"}),
        ("crypto_usdc_daily.csv", "Close", {"Date": "date", "Volume": "float"}),
        ("binance_btcusdt_daily.csv", "close", {"date": "date", "tradecount": "int", "unix": "float"}),
        ("bt_crypto_transaction_history_seed.csv", "purchase_price", {"purchase_date": "date", "site_id": "category"}),
    ],
)
def test_real_files(shared_data: Path, tmp_path: Path, file: str, target: str, expected: dict[str, Any]) -> None:
    result = through_the_gate(shared_data / file, target, tmp_path)
    types = {name: column.type for name, column in result[1].contract.columns.items()}
    assert {name: kind for name, kind in types.items() if name in expected} == expected
    assert result[2].rejected.rows == 0
    assert result[2].left_out == 0
    assert result[1].features


def test_what_is_said_of_real_files(shared_data: Path) -> None:
    def said(file: str, target: str) -> str:
        return draft(shared_data / file, target).text

    telco, churn = said("telco_customer_churn.csv", "Churn"), said("churn_modelling_missing.csv", "Exited")
    assert "key: [customerID]" in telco
    assert "positive: 'Yes'" in telco
    assert "stratify: Churn" in telco
    assert "RowNumber: {type: int, feature: false}" in churn
    assert "key: [CustomerId]" in churn
    assert re.search(r"Balance: \{type: float, nullable: true\}", churn)
    assert "by_time: Fecha" in said("ventas.csv", "Ventas")
    assert "by_time: Date" in said("rossmann_sales_100stores.csv", "Sales")
    assert "group: customer_id" in said("cdnow_transactions.csv", "price")
    assert "header_line: 2" in said("binance_btcusdt_daily.csv", "close")
    assert "format: '%d/%m/%Y'" in said("bt_crypto_transaction_history_seed.csv", "purchase_price")
    housing = said("HousingData.csv", "MEDV")
    assert "feature: false" not in housing
    assert "key: []" in housing
