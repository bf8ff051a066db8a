"""The ladder: bars, numbers, levels and the spot line on the right rows."""

from dataclasses import replace

import numpy as np
import pytest

from gextui.exposure.board import Board, build_board
from gextui.exposure.filters import Filters, Sign
from gextui.ui.format import Unit
from gextui.ui.measure import Measure
from gextui.ui.widgets.ladder import Ladder
from tests.ui.boards import strikes_board, with_gex, with_levels
from tests.ui.desk import made_up_chain, two_venues_chain
from tests.ui.widgets.showing import painted_lines, screen_text, seen, showing

STRIKES = [float(strike) for strike in range(96, 106)]


def board(gex: dict[float, tuple[float, float]] | None = None, spot: float = 100.4) -> Board:
    plain = with_levels(strikes_board(STRIKES, spot=spot))
    return with_gex(plain, gex or {103.0: (40e6, -5e6), 97.0: (10e6, -80e6), 100.0: (20e6, -20e6)})


def row(lines: list[str], strike: str) -> str:
    return next(text for text in lines if text.lstrip("▸ ").startswith(strike + " ") or text.lstrip("▸ ") == strike)


async def test_rows_bars_and_numbers() -> None:
    view = Ladder()
    async with showing(view, (60, 12)):
        view.show(board(), unit=Unit.PERCENT_MOVE)
        lines = seen(view)
        assert [text.split()[0] for text in lines] == [
            "105", "104", "103", "102", "101", "100.40", "100", "99", "98", "97", "96",
        ]  # fmt: skip
        assert lines[5].endswith("SPOT")
        axis = lines[0].index("│")
        assert all(text[axis] == "│" for number, text in enumerate(lines) if number != 5)
        half = axis - 11
        put = row(lines, "97")
        assert put[axis - half : axis] == "█" * half
        assert put.endswith("-70.0M")
        call = row(lines, "103")
        assert call[axis + 1 :].split()[0].startswith("█" * (half // 2))
        assert call[axis + 1 :].count("█") == half // 2
        assert call.endswith("+35.0M")
        assert row(lines, "104").endswith(" 0")


async def test_equal_calls_and_puts_are_equally_long() -> None:
    view = Ladder()
    async with showing(view, (60, 12)):
        view.show(board({100.0: (80e6, -80e6)}), unit=Unit.PERCENT_MOVE)
        text = row(seen(view), "100")
        axis = text.index("│")
        half = text.count("█") // 2
        assert half > 10
        assert text[axis - half : axis + half + 1] == "█" * half + "│" + "█" * half


async def test_levels_are_named_on_their_rows() -> None:
    levels = with_levels(
        board(), call_walls=(103.0, 104.0, 105.0), put_walls=(97.0, 98.0), absolute_gamma=97.0, zero_gamma=100.45,
        max_pain=99.0, move=2.5,
    )  # fmt: skip
    view = Ladder()
    async with showing(view, (82, 14)):
        view.show(levels, unit=Unit.PERCENT_MOVE)
        lines = seen(view)
        named = {text.split()[0]: text.split("  ")[-1].strip() for text in lines if "SPOT" not in text}
        assert named["103"] == "CALL WALL·+EM"
        assert named["104"] == "C2"
        assert named["105"] == "C3"
        assert named["97"] == "PUT WALL·Aγ"
        assert named["98"] == "P2·-EM"
        assert named["99"] == "MAX PAIN"
        assert named["101"] == "ZERO γ"
        inside = [text[8] for text in lines if "SPOT" not in text]
        assert "".join(inside) == "  ┐││││┘  "


async def test_zero_gamma_below_spot_is_named_below_the_spot_line() -> None:
    view = Ladder()
    async with showing(view, (82, 14)):
        view.show(with_levels(board(spot=100.6), zero_gamma=100.55), unit=Unit.PERCENT_MOVE)
        assert row(seen(view), "100").endswith("ZERO γ")


async def test_a_narrow_ladder_shortens_names_before_dropping_them() -> None:
    levels = with_levels(board(), call_walls=(103.0,), max_pain=103.0, absolute_gamma=103.0, zero_gamma=103.2)
    for width, name in ((120, "CALL WALL·0γ·MP·Aγ"), (60, "CW·0γ·MP"), (44, "CW·0γ")):
        view = Ladder()
        async with showing(view, (width, 14)):
            view.show(levels, unit=Unit.PERCENT_MOVE)
            assert row(seen(view), "103").endswith(name)


@pytest.mark.parametrize("size", [(82, 33), (80, 22), (60, 17), (40, 10), (20, 5), (120, 50), (3, 2)])
async def test_every_size_is_filled_exactly(size: tuple[int, int]) -> None:
    wide = with_levels(board(), call_walls=(103.0,), put_walls=(97.0,))
    view = Ladder()
    async with showing(view, size) as pilot:
        view.show(wide, unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        assert all(len("".join(text for text, _ in spans)) == size[0] for spans in view.lines)
        assert len(view.lines) <= size[1]


async def test_sign_convention_colours_a_side() -> None:
    view = Ladder()
    async with showing(view, (60, 12)):
        short_both = replace(board({103.0: (-40e6, -5e6)}), filters=Filters(sign=Sign.DEALER_SHORT_BOTH))
        view.show(short_both, unit=Unit.PERCENT_MOVE)
        spans = next(spans for spans in view.lines if "103" in spans[0][0] or "103" in spans[1][0])
        assert {names for text, names in spans if "█" in text} == {"put graph"}
        assert row(seen(view), "103").endswith("-45.0M")


async def test_units_scale_the_bars_and_the_numbers() -> None:
    view = Ladder()
    async with showing(view, (60, 12)):
        view.show(board(), unit=Unit.SHARE)
        assert row(seen(view), "103").endswith("+20.00%")
        assert view.scale.full == 50.0
        view.show(board(), unit=Unit.UNDERLYING)
        assert row(seen(view), "103").endswith("+348.6K")


async def test_open_interest_and_volume_in_contracts() -> None:
    wide = strikes_board(STRIKES, spot=100.4)
    for measure, both, total in ((Measure.OPEN_INTEREST, ["10", "10"], "20"), (Measure.VOLUME, ["3", "3"], "6")):
        view = Ladder(measure)
        async with showing(view, (82, 14)) as pilot:
            view.show(with_levels(wide), unit=Unit.PERCENT_MOVE)
            assert row(seen(view), "103").split()[-2:] == both
            await pilot.resize_terminal(60, 14)
            assert row(seen(view), "103").split()[-1] == total
            assert view.heading.endswith("by strike")


async def test_only_rows_that_differ_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    view = Ladder()
    async with showing(view, (60, 12)) as pilot:
        view.show(board(), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        painted = painted_lines(monkeypatch)
        changed = {103.0: (41e6, -5e6), 97.0: (10e6, -80e6), 100.0: (20e6, -20e6)}
        view.show(board(changed), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        assert painted == [2]
        painted.clear()
        view.show(board(changed), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        assert painted == []
        view.move(1)
        await pilot.pause()
        assert painted == [6]
        painted.clear()
        view.move(1)
        await pilot.pause()
        assert sorted(painted) == [6, 7]


async def test_the_scale_holds_still_while_the_peak_wavers() -> None:
    view = Ladder()
    async with showing(view, (60, 12)):
        fulls = []
        for peak in (78e6, 70e6, 60e6, 79e6, 81e6, 78e6, 56e6, 40e6):
            view.show(board({97.0: (0.0, -peak)}), unit=Unit.PERCENT_MOVE)
            fulls.append(view.scale.full)
        assert fulls == [80e6, 80e6, 80e6, 80e6, 100e6, 100e6, 100e6, 40e6]


async def test_the_scale_looks_only_at_what_is_in_view() -> None:
    view = Ladder()
    async with showing(view, (60, 5)):
        view.show(board({105.0: (90e6, 0.0), 100.0: (3e6, 0.0)}), unit=Unit.PERCENT_MOVE)
        assert "105" not in "".join(seen(view))
        assert view.scale.full == 3e6
        view.go_to(105.0)
        assert view.scale.full == 100e6


async def test_numbers_do_not_move_when_digits_change() -> None:
    view = Ladder()
    async with showing(view, (60, 12)):
        ends = set()
        for calls in (9.9e6, 150.0e6, 2.5e9, 900.0):
            view.show(board({103.0: (calls, 0.0)}), unit=Unit.PERCENT_MOVE)
            ends.add(len(row(seen(view), "103")))
        assert len(ends) == 1


async def test_cursor_row_is_marked_and_selected() -> None:
    view = Ladder()
    async with showing(view, (60, 12)):
        view.show(board(), unit=Unit.PERCENT_MOVE)
        assert view.selected_strike() is None
        assert view.explanation() is None
        assert view.go_to(102.9)
        assert view.selected_strike() == 103.0
        assert seen(view)[2].startswith("▸   103")
        explained = view.explanation()
        assert explained is not None
        assert explained.title == "GEX at 103"
        view.page(1)
        view.zoom(-1)
        view.recentre()
        assert view.selected_strike() is None
        assert not any(text.startswith("▸") for text in seen(view))


async def test_a_row_of_several_strikes_says_so_when_explained() -> None:
    strikes = [float(strike) for strike in range(50, 151)]
    view = Ladder()
    async with showing(view, (60, 12)):
        view.show(
            with_gex(strikes_board(strikes, spot=100.4), dict.fromkeys(strikes, (3e6, -1e6))), unit=Unit.PERCENT_MOVE
        )
        while view.axis.step != 5.0:
            view.zoom(1 if view.axis.step > 5.0 else -1)
        assert view.heading == "GEX by strike in steps of 5"
        view.go_to(105.0)
        assert "+10.0M" in row(seen(view), "105").split()
        explained = view.explanation()
        assert explained is not None
        assert (explained.inputs[0].name, explained.inputs[0].value) == ("row of 5 strikes, 103 to 107", 10e6)


async def test_a_header_where_there_is_room() -> None:
    view = Ladder()
    async with showing(view, (82, 18)) as pilot:
        view.show(board(), unit=Unit.PERCENT_MOVE)
        assert seen(view)[0].split() == ["STRIKE", "80M", "◂", "PUTS", "│", "CALLS", "▸", "80M", "NET", "LEVEL"]
        await pilot.resize_terminal(82, 17)
        assert seen(view)[0].split()[0] == "105"


@pytest.mark.parametrize(
    ("open_interest", "iv", "measure", "words"),
    [
        (0.0, 0.4, Measure.GEX, "no open interest yet"),
        (0.0, 0.4, Measure.OPEN_INTEREST, "no open interest yet"),
        (5.0, np.nan, Measure.GEX, "no contract passes the filter and can be priced"),
    ],
)
async def test_nothing_to_draw_is_said_in_words(open_interest: float, iv: float, measure: Measure, words: str) -> None:
    view = Ladder(measure)
    async with showing(view, (60, 12)) as pilot:
        view.show(strikes_board(STRIKES, spot=100.4, open_interest=open_interest, iv=iv), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        assert [text.strip() for text in screen_text(pilot) if text] == [words]


async def test_missing_numbers_are_dashes_and_draw_no_bar() -> None:
    view = Ladder()
    async with showing(view, (60, 12)):
        view.show(board({103.0: (np.nan, np.nan), 100.0: (20e6, -20e6)}), unit=Unit.PERCENT_MOVE)
        text = row(seen(view), "103")
        assert text.endswith(" –")
        assert "█" not in text


async def test_five_thousand_strikes_show_a_readable_part() -> None:
    strikes = [float(strike) for strike in range(5, 25005, 5)]
    view = Ladder()
    async with showing(view, (82, 33)):
        view.show(strikes_board(strikes, spot=12_002.5, iv=0.15), unit=Unit.PERCENT_MOVE)
        rows = view.axis.visible()
        prices = [float(view.axis.rungs.prices[each]) for each in rows if each is not None]
        daily = 12_002.5 * 0.15 / np.sqrt(365.0)
        assert 2 * daily < prices[0] - 12_002.5 < 8 * daily
        assert rows.index(None) == 16
        assert view.axis.rungs.step == 20.0


async def test_one_strike() -> None:
    view = Ladder()
    async with showing(view, (60, 12)):
        view.show(with_levels(strikes_board([100.0], spot=100.4)), unit=Unit.PERCENT_MOVE)
        assert [text.split()[0] for text in seen(view)] == ["100.40", "100"]


async def test_without_glyphs_everything_is_ascii() -> None:
    view = Ladder(ascii_only=True)
    levels = with_levels(board(), zero_gamma=99.9, move=2.0)
    async with showing(view, (82, 20)) as pilot:
        view.show(levels, unit=Unit.PERCENT_MOVE)
        view.move(1)
        await pilot.pause()
        text = "\n".join(screen_text(pilot))
        assert text.isascii()
        assert "ZERO g" in text
        assert "######" in text


async def test_rounder_prices_are_brighter() -> None:
    view = Ladder()
    async with showing(view, (60, 12)):
        view.show(board(), unit=Unit.PERCENT_MOVE)
        names = {text.strip(): names for spans in view.lines for text, names in spans[:2]}
        assert [names[strike] for strike in ("105", "104", "100")] == ["value", "label", "value"]


def two_venues(stale: str = "") -> Board:
    return with_levels(build_board(two_venues_chain(stale=stale)))


async def test_each_venue_has_its_stretch_of_a_bar_and_a_name_below() -> None:
    whole = two_venues()
    for size in ((82, 33), (60, 15), (60, 9)):
        async with showing(view := Ladder(), size):
            view.show(whole, unit=Unit.PERCENT_MOVE)
            lines = seen(view)
            deribit, bybit = (part.share for part in whole.parts)
            assert deribit is not None
            assert bybit is not None
            assert lines[-1] == f" █ deribit {deribit:.0%}  ▓ bybit {bybit:.0%}"
            text = row(lines, "100,000")
            axis = text.index("│")
            puts, calls = text[:axis].split()[-1], text[axis + 1 :].split()[0]
            # Deribit's stretch begins at the axis on either side; Bybit holds 60 % as many puts and 30 % as many calls.
            for bar, held in ((puts[::-1], 0.6), (calls, 0.3)):
                assert bar == "█" * bar.count("█") + "▓" * bar.count("▓")
                assert bar.count("▓") == pytest.approx(len(bar) * held / (1 + held), abs=1.0)
    async with showing(view := Ladder(), (60, 8)):
        view.show(whole, unit=Unit.PERCENT_MOVE)
        assert "deribit" not in "".join(seen(view))


async def test_a_stale_venue_is_marked_in_the_bars_and_below_them() -> None:
    async with showing(view := Ladder(), (60, 15)) as pilot:
        view.show(two_venues("is down"), unit=Unit.PERCENT_MOVE)
        assert seen(view)[-1].endswith("% stale 42 s")
        names = {text[0]: names for spans in view.lines[:-1] for text, names in spans if text.strip("▓") == ""}
        assert names == {"▓": "stale graph"}
        await pilot.resize_terminal(32, 15)
        assert seen(view)[-1].endswith("%!")


@pytest.mark.parametrize("measure", [Measure.OPEN_INTEREST, Measure.VOLUME])
async def test_open_interest_and_volume_are_split_too(measure: Measure) -> None:
    whole = two_venues()
    async with showing(view := Ladder(measure), (82, 20)):
        view.show(whole, unit=Unit.PERCENT_MOVE)
        held = [
            sum(getattr(part.by_strike, f"{side}_{measure}").sum() for side in ("call", "put")) for part in whole.parts
        ]
        assert seen(view)[-1] == f" █ deribit {held[0] / sum(held):.0%}  ▓ bybit {held[1] / sum(held):.0%}"
        assert any("▓" in text for text in seen(view)[1:-1])


async def test_a_single_source_has_no_legend() -> None:
    async with showing(view := Ladder(), (60, 15)):
        view.show(with_levels(build_board(made_up_chain())), unit=Unit.PERCENT_MOVE)
        assert "▓" not in "".join(seen(view))
        assert "%" not in seen(view)[-1]


async def test_without_glyphs_the_stretches_are_told_apart() -> None:
    async with showing(view := Ladder(ascii_only=True), (60, 15)) as pilot:
        view.show(two_venues("is down"), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        text = screen_text(pilot)
        assert "\n".join(text).isascii()
        assert any("##==" in line or "==##" in line for line in text)
        assert next(line for line in text if "deribit" in line).startswith(" # deribit")
