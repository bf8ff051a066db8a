"""A coin ETF on the screen: both axes, the switch between them, and what is implied while it is shut."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gextui.exposure.coin_terms import implied_chain
from gextui.market.coin import CoinRatio, PriceAxis, RatioSource
from gextui.ui.state import load_state
from gextui.ui.widgets.ladder import Ladder
from tests.ui.desk import NOW, MemoryDesk, made_up_chain
from tests.ui.running import SIZES, running, settled, shown, text_shown

RATIO = CoinRatio(0.0005632, RatioSource.SPOTS, NOW - timedelta(minutes=15))
"""The share at 56.32 is the coin at 100,000."""
SUNDAY = datetime(2026, 11, 22, 10, 32, 10, tzinfo=UTC)


def coin_desk(*, implied: bool = False, ratio: CoinRatio | None = RATIO) -> MemoryDesk:
    """IBIT beside BTC and SPX, told in BTC too; ``implied`` on the Sunday after, the coin 2 % higher."""
    desk = MemoryDesk("IBIT", "BTC", "SPX")
    chain = replace(made_up_chain("IBIT"), coin_ratio=ratio)
    desk.put_chain(implied_chain(chain, 102_000.0, SUNDAY) if implied else chain)
    return desk


async def test_levels_stand_on_both_axes_at_every_size() -> None:
    async with running(coin_desk(), size=(120, 36)) as (app, _):
        wide = text_shown(app)
        assert "IBIT 56.32 +1.24%  = BTC 100,000" in wide
        assert "Call wall          60  +6.5%  +2.9σ   106,534" in wide
        assert "Put wall           55  -2.3%  -1.0σ    97,656" in wide
        assert "0.0005632 BTC a share, spots 09:17 New York," in wide
        assert "15 min old" in wide
    async with running(coin_desk(), size=(80, 24)) as (app, _):
        normal = text_shown(app)
        assert "│        IBIT            BTC" in normal
        assert "│ CW       60  +6.5% 106,534" in normal
        assert "│ spots 09:17 NY, 15 min" in normal
    async with running(coin_desk(), size=(60, 20)) as (app, pilot):
        assert "CW 60=106,534" in shown(app)[1]
        await pilot.press("tab")
        assert "Call wall          60  +6.5%  +2.9σ   106,534" in await settled(pilot)


async def test_without_a_ratio_it_says_why_and_offers_no_axis() -> None:
    async with running(coin_desk(ratio=None)) as (app, pilot):
        assert "= BTC" not in text_shown(app)
        await pilot.press("!")
        assert "no price of BTC is known within a minute of 2026-11-20 09:32 New York" in " ".join(
            (await settled(pilot)).split()
        )
        await pilot.press("escape", "u")
        assert "prices in" not in await settled(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_u_puts_the_ladder_on_the_coins_axis_and_back(size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    async with running(coin_desk(), size=size, state_path=path) as (app, pilot):
        before = [line.split() for line in shown(app)]
        await pilot.press("u")
        assert "prices in BTC  not in IBIT" in await settled(pilot)
        await pilot.press("5")
        coin = await settled(pilot)
        # The same rows, told in the coin: 57 IBIT are 101,207 BTC.
        assert "101,207" in coin
        assert sum("SPOT" in line for line in coin.splitlines()) == 1
        spot_line = next(line for line in coin.splitlines() if " SPOT" in line)
        assert spot_line.split("├")[0].split()[-1] == "100,000"
        if size[0] > 60:
            assert "in BTC" in coin
        await pilot.press("u", "5")
        await settled(pilot)
        assert [line.split() for line in shown(app)] == before
        await pilot.press("u", "5")
    assert load_state(path)[0].axis is PriceAxis.COIN


async def test_distances_and_exposures_are_the_same_on_either_axis() -> None:
    async with running(coin_desk()) as (app, pilot):
        share = text_shown(app)
        await pilot.press("u", "5")
        coin = await settled(pilot)
    for same in ("+6.5%  +2.9σ", "-2.3%  -1.0σ", "-43.2K", "+26.8K", "Net -13.1K/1%", "-3% of gross"):
        assert same in share
        assert same in coin


async def test_units_follow_the_axis() -> None:
    async with running(coin_desk()) as (_, pilot):
        await pilot.press("u", "3")
        share = await settled(pilot)
        assert "IBIT per 1%" in share
        await pilot.press("u")
        assert "IBIT per 1%" in await settled(pilot)
        await pilot.press("5")
        coin = await settled(pilot)
        assert "BTC per 1%" in coin
        # -13.1K USD per 1 % are 232 shares, or 0.13 coins.
        assert "Net -232 IBIT/1%" in share
        assert "Net -0.13 BTC/1%" in coin


async def test_the_cursor_stays_on_its_strike_from_axis_to_axis_and_view_to_view() -> None:
    async with running(coin_desk()) as (app, pilot):
        for _ in range(3):
            await pilot.press("j")
            await settled(pilot)
        assert "▸   54" in text_shown(app)
        await pilot.press("u", "5")
        assert "▸ 95,881" in await settled(pilot)
        await pilot.press("enter")
        page = await settled(pilot)
        assert "GEX at 95,881" in page
        assert "IBIT 21NOV26 54 P" in page
        await pilot.press("escape", "c")
        chain = await settled(pilot)
        # The option chain is as it is listed.
        assert "▸" in next(line for line in chain.splitlines() if " 54 " in line)
        assert "95,881" not in chain
        await pilot.press("g")
        assert "▸ 95,881" in await settled(pilot)


async def test_find_takes_a_price_of_the_axis_shown() -> None:
    async with running(coin_desk()) as (app, pilot):
        await pilot.press("u", "5", "slash", *"106500", "enter")
        await settled(pilot)
        view = app.screen.query_one(Ladder)
        assert view.selected_strike() == pytest.approx(60.0)
        await pilot.press("u", "5", "slash", *"62", "enter")
        await settled(pilot)
        assert view.selected_strike() == pytest.approx(62.0)


@pytest.mark.parametrize("key", ["p", "x"])
async def test_profile_and_heat_map_are_on_the_axis_too(key: str) -> None:
    async with running(coin_desk()) as (_, pilot):
        await pilot.press("u", "5", key)
        coin = await settled(pilot)
        assert ", in BTC" in coin
        assert "100,000" in coin


async def test_other_tickers_have_one_axis() -> None:
    async with running(coin_desk()) as (app, pilot):
        await pilot.press("u", "5", "3")
        spx = await settled(pilot)
        assert "6,712.4" in spx
        assert "in BTC" not in spx
        await pilot.press("u")
        assert "prices in" not in await settled(pilot)
        await pilot.press("escape", "1")
        assert "GEX by strike, in BTC" in await settled(pilot)
        del app


@pytest.mark.parametrize("size", SIZES)
async def test_implied_is_marked_wherever_numbers_stand(size: tuple[int, int]) -> None:
    async with running(coin_desk(implied=True), size=size, now=lambda: SUNDAY) as (app, pilot):
        lines = shown(app)
        assert " IMPLIED " in "".join(lines[:2])
        assert "IBIT 57.45" in "".join(lines[:2])
        assert "implied: repriced with BTC at 102,000.00" in "".join(lines[-3:])
        assert ("Levels, implied" if size[0] > 60 else " implied  CW 60") in text_shown(app)
        await pilot.press("t")
        assert "nobody trades, so nothing changes" in " ".join((await settled(pilot)).split())
        await pilot.press("!")
        page = " ".join((await settled(pilot)).replace("│", " ").split())
        assert "implied from the quotes of 20 NOV 26 14:32 UTC" in page


async def test_what_was_quoted_is_not_marked() -> None:
    async with running(coin_desk()) as (app, _):
        assert "implied" not in text_shown(app).lower()
