"""Tastytrade's answers, captured ones where they are there."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from gextui.market.ticker import KNOWN_TICKERS
from gextui.sources.source import BadInputError
from gextui.sources.tastytrade import (
    Listed,
    contracts_of,
    decode_access,
    decode_listing,
    decode_quote_token,
    error_code,
)
from tests.support.tradier import new_york

SPX, SPY = KNOWN_TICKERS["SPX"], KNOWN_TICKERS["SPY"]
STRIKE = {
    "strike-price": "5700.0",
    "call": "SPX   260320C05700000",
    "call-streamer-symbol": ".SPX260320C5700",
    "put": "SPX   260320P05700000",
    "put-streamer-symbol": ".SPX260320P5700",
}


@pytest.fixture
def samples(shared: Path) -> Path:
    folder = shared / "wire" / "samples" / "tastytrade"
    if not folder.exists():
        pytest.skip("the captured answers (../shared/wire/samples/tastytrade) are not here")
    return folder


def listing(*strikes: object, kind: str = "Standard", settlement: str | None = "AM", shares: object = 100) -> bytes:
    expiration = {"expiration-date": "2026-03-20", "settlement-type": settlement, "strikes": list(strikes)}
    root = {
        "root-symbol": "SPX",
        "option-chain-type": kind,
        "shares-per-contract": shares,
        "expirations": [expiration],
    }
    return json.dumps({"data": {"items": [root]}, "context": "/"}).encode()


class TestListing:
    def test_spx_has_two_roots_that_settle_apart(self, samples: Path) -> None:
        body = (samples / "nested_option_chain_SPX_two_roots_handwritten.json").read_bytes()
        listed = decode_listing(body, Counter())
        assert [each.streamer for each in listed] == [
            ".SPX260320C5700",
            ".SPX260320P5700",
            ".SPXW260318C5700",
            ".SPXW260318P5700",
        ]
        contracts, multiplier = contracts_of(SPX, listed)
        assert contracts.root.tolist() == ["SPX", "SPX", "SPXW", "SPXW"]
        assert contracts.strike.tolist() == [5700.0] * 4
        assert contracts.is_call.tolist() == [True, False] * 2
        assert multiplier.tolist() == [100.0] * 4
        assert [datetime.fromtimestamp(at, UTC) for at in contracts.expiry[[0, 2]].tolist()] == [
            new_york("2026-03-20", "09:30"),
            new_york("2026-03-18", "16:00"),
        ]

    def test_a_captured_chain_without_its_envelope(self, samples: Path) -> None:
        listed = decode_listing((samples / "nested-option-chain.json").read_bytes(), Counter())
        assert len(listed) == 18
        assert listed[0] == Listed("SPY   260804C00500000", ".SPY260804C500", "PM", 100.0)

    def test_the_venue_has_the_last_word_on_how_it_settles(self) -> None:
        for told, at in (("PM", "16:00"), ("AM", "09:30"), (None, "09:30"), ("NOON", "09:30")):
            contracts, _ = contracts_of(SPX, decode_listing(listing(STRIKE, settlement=told), Counter()))
            assert contracts.expiry[0] == new_york("2026-03-20", at).timestamp()

    def test_a_side_may_be_absent(self) -> None:
        strikes = [
            {name: value for name, value in STRIKE.items() if name != absent}
            for absent in ("call", "call-streamer-symbol", "put")
        ]
        listed = decode_listing(listing(*strikes, {**STRIKE, "call": None, "put-streamer-symbol": 7}), Counter())
        assert [each.streamer[-5] for each in listed] == ["P", "P", "C"]

    def test_others_than_standard_chains_are_left_out_and_counted(self) -> None:
        rejected: Counter[str] = Counter()
        assert decode_listing(listing(STRIKE, kind="Non-standard"), rejected) == []
        assert rejected == {"not standard": 2}

    def test_an_adjusted_root_is_known_by_its_name(self) -> None:
        odd = {**STRIKE, "call": "SPX1  260320C05700000"}
        contracts, _ = contracts_of(SPX, decode_listing(listing(odd), Counter()))
        assert contracts.reason.tolist() == ["adjusted", ""]

    def test_what_is_kept_of_a_contract_is_read_back(self) -> None:
        [first, _] = decode_listing(listing(STRIKE, shares=10), Counter())
        assert Listed.read(first.kept) == first == Listed("SPX   260320C05700000", ".SPX260320C5700", "AM", 10.0)
        assert Listed.read("SPX   260320C05700000") is None
        [odd, _] = decode_listing(listing(STRIKE, shares="lots"), Counter())
        assert np.isinf(odd.shares)

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"data":{"items":{}}}', b'{"data":7}', b"<html>"])
    def test_what_is_no_listing_is_said_to_be_none(self, body: bytes) -> None:
        with pytest.raises(BadInputError):
            decode_listing(body, Counter())


class TestTokens:
    def test_captured_quote_tokens(self, samples: Path) -> None:
        real = decode_quote_token((samples / "api_quote_tokens_prod_documented.json").read_bytes())
        assert (real.url, real.delayed) == ("wss://tasty-openapi-ws.dxfeed.com/realtime", False)
        sandbox = decode_quote_token((samples / "api_quote_tokens_sandbox.json").read_bytes())
        assert (sandbox.url, sandbox.delayed) == ("wss://tasty-demo-ws.dxfeed.com/delayed", True)

    def test_access_lives_as_long_as_it_says_or_a_quarter_of_an_hour(self) -> None:
        for told, seconds in ((900, 900.0), ("300", 300.0), (None, 900.0), (-5, 0.0), (1e9, 86400.0), ("soon", 900.0)):
            access = decode_access(json.dumps({"access_token": "canary-a", "expires_in": told}).encode())
            assert (access.token.reveal(), access.seconds, access.refresh_token) == ("canary-a", seconds, None)

    def test_a_renewed_refresh_token(self) -> None:
        access = decode_access(b'{"access_token":"canary-a","refresh_token":"canary-b"}')
        assert access.refresh_token is not None
        assert access.refresh_token.reveal() == "canary-b"
        assert "canary" not in repr(access)

    @pytest.mark.parametrize("body", [b"{}", b'{"access_token":7}', b'{"access_token":"canary-c"', b"canary-c"])
    def test_an_answer_that_is_no_token_is_not_repeated(self, body: bytes) -> None:
        for decode in (decode_access, decode_quote_token):
            with pytest.raises(BadInputError) as caught:
                decode(body)
            assert "canary" not in str(caught.value)

    def test_errors_have_a_code_whichever_way_they_are_written(self, samples: Path) -> None:
        written = json.loads((samples / "error_responses.json").read_bytes())
        found = [error_code(json.dumps(each).encode()) for each in written]
        assert found == ["not_permitted", "invalid_credentials", "preflight_check_failure"]
        assert error_code(b'{"error":"invalid_grant","error_description":"x"}') == "invalid_grant"
        assert [error_code(body) for body in (b"", b"{}", b"<html>", b'{"error":[1]}')] == [""] * 4
