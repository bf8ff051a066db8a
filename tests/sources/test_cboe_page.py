"""The quote page's CSV and its localised dates."""

import csv
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gextui.market.ticker import Kind
from gextui.sources.cboe_page import decode_quote_page, is_quote_page, localised_instant
from gextui.sources.source import BadInputError
from tests.sources.bodies import QUOTE_PAGE


def table(text: str) -> list[list[str]]:
    return list(csv.reader(text.splitlines()))


def test_calls_left_puts_right() -> None:
    chain = decode_quote_page(table(QUOTE_PAGE)).chain("test")
    assert (chain.ticker.symbol, chain.ticker.kind, chain.spot) == ("SPX", Kind.INDEX, 6700.25)
    assert chain.as_of == datetime(2026, 11, 19, 21, 30, tzinfo=UTC)
    assert chain.previous_close == 6712.75
    assert chain.roots == ("SPX", "SPXW")
    assert chain.root.tolist() == [0, 0, 1, 1]
    assert chain.is_call.tolist() == [True, False, True, False]
    assert chain.bid.tolist() == pytest.approx([20.5, 18.5, 20.6, np.nan], nan_ok=True)
    assert chain.ask.tolist() == [21.5, 19.5, 21.6, 0.05]
    assert chain.volume.tolist() == [3.0, 4.0, 5.0, 6.0]
    assert chain.iv.tolist() == [0.151, 0.152, 0.153, 0.0]
    assert chain.open_interest.tolist() == [100.0, 200.0, 300.0, 0.0]
    assert (chain.total, dict(chain.dropped)) == (4, {})


def test_a_side_that_is_not_listed_is_no_row() -> None:
    one_sided = QUOTE_PAGE.replace("SPXW261120P06700000", "")
    assert decode_quote_page(table(one_sided)).chain("test").total == 3


def test_names_with_commas_and_grouped_prices() -> None:
    lines = table(QUOTE_PAGE)
    lines[1] = ["Invesco QQQ Trust", " Series 1", "Last: 6,700.25", "Change: 0"]
    capture = decode_quote_page(lines)
    assert (capture.spot, capture.previous_close) == (6700.25, 6700.25)


def test_a_page_without_its_heading_lacks_time_and_price() -> None:
    capture = decode_quote_page(table(QUOTE_PAGE)[3:])
    assert (capture.as_of, capture.spot, capture.previous_close) == (None, None, None)
    assert len(capture.rows) == 4


def test_a_page_cut_short_is_refused() -> None:
    with pytest.raises(BadInputError, match="cut short"):
        decode_quote_page(table(QUOTE_PAGE[: QUOTE_PAGE.rindex("SPXW")]))


def test_what_is_a_quote_page() -> None:
    assert is_quote_page(table(QUOTE_PAGE))
    assert not is_quote_page(table("ticker,strike\nSPX,6700"))
    assert not is_quote_page([])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Date: September 14, 2023 at 4:31 PM EDT", "2023-09-14 20:31"),
        ("Date: September 4, 2023 at 2:56\u202fPM EDT", "2023-09-04 18:56"),
        ("Date: 23 de marzo de 2022, 10:11 GMT-4", "2022-03-23 14:11"),
        ("Date: 7 de junio de 2023, 4:31 p. m. EDT", "2023-06-07 20:31"),
        ("Date: 2022年3月23日 GMT-4 上午10:11", "2022-03-23 14:11"),
        ("Date: 2022年3月23日 GMT+8 下午10:11", "2022-03-23 14:11"),
        ("Date: 2023年9月14日 16:31 EDT", "2023-09-14 20:31"),
        ("Date: 2023년 9월 14일 오후 4:31 GMT+9", "2023-09-14 07:31"),
        ("Date: 23 mars 2022 à 10:11 UTC−4", "2022-03-23 14:11"),
        ("Date: 14 août 2023 à 22:31:05 UTC+2", "2023-08-14 20:31"),
        ("Date: 7 juillet 2023 à 10:11 GMT-4", "2023-07-07 14:11"),
        ("Date: 14. März 2023 um 22:31 MEZ", "2023-03-14 21:31"),
        ("Date: 14 de março de 2023 às 10:11 GMT-3", "2023-03-14 13:11"),
        ("Date: 14 settembre 2023 alle ore 22:31 CEST", "2023-09-14 20:31"),
        ("Date: 2 mei 2023 om 22:31 CEST", "2023-05-02 20:31"),
        ("Date: January 5, 2024 at 12:05 AM EST", "2024-01-05 05:05"),
        ("Date: January 5, 2024 at 12:05 PM EST", "2024-01-05 17:05"),
        ("Date: January 5, 2024 at 10:15 PM GMT+5:30", "2024-01-05 16:45"),
        ("Date: January 5, 2024 at 10:15 PM UTC", "2024-01-05 22:15"),
        # Whatever leaves a doubt is asked for: no zone, day or month first, unknown words.
        ("Date: September 14, 2023 at 4:31 PM", None),
        ("Date: 9/4/2023, 2:56 PM EDT", None),
        ("Date: martes, 5 de abril de 2022, 10:11 GMT-4", None),
        ("Date: 14 syyskuuta 2023 klo 22.31 UTC+3", None),
        ("Date: September 31, 2023 at 4:31 PM EDT", None),
        ("Date: September 14, 2023 at 25:31 EDT", None),
        ("", None),
    ],
)
def test_localised_dates(text: str, expected: str | None) -> None:
    found = localised_instant(text)
    assert (None if found is None else found.strftime("%Y-%m-%d %H:%M")) == expected


@given(st.text(alphabet=st.sampled_from("Date: 0123456789,./年月日 AMPMEDTGUC+-−:septmarzo")))
def test_no_date_breaks_the_reading(text: str) -> None:
    found = localised_instant(text)
    assert found is None or found.tzinfo is UTC
