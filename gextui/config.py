"""Settings: config.toml read strictly into typed tables, and where files live."""

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, TypeGuard, TypeVar
from urllib.parse import urlsplit

import msgspec
import platformdirs
from msgspec import Meta

from gextui.market.text import clean_text, is_symbol
from gextui.market.ticker import MOST_TICKERS, ticker_for
from gextui.secrets import Secret, SecretName, find_secret, is_configured

Days = Annotated[int, Meta(ge=1, le=36500)]
Command = Annotated[tuple[str, ...], Meta(max_length=64)]


class ConfigError(Exception):
    """The configuration cannot be used. The message is one plain sentence that names file, key and what is accepted."""


class Table(msgspec.Struct, frozen=True):
    """One table of config.toml."""


class General(Table, frozen=True):
    """``[general]``: what is shown, and how."""

    tickers: tuple[str, ...] = ("BTC", "ETH", "SOL", "SPX", "SPY", "IBIT")
    """Shown when the command line names none, until the list is edited in the dashboard."""
    theme: Annotated[str, Meta(max_length=64)] = ""
    """A theme's name; empty lets the terminal decide."""
    ascii: bool = False
    """Draw with plain ASCII."""
    mouse: bool = False
    plain_display: bool = False
    """Write every frame whole instead of only the cells that changed."""


class Rates(Table, frozen=True):
    """``[rates]``: interest rates used where the market gives none."""

    usd: Annotated[float, Meta(ge=-0.05, le=0.5)] = 0.04
    """A year, continuously compounded, a fraction; for US tickers. Coins use 0."""


class Storage(Table, frozen=True):
    """``[storage]``: the database, and how long it remembers."""

    path: str = ""
    """Empty means gextui.db in the user's data directory."""
    levels_days: Days = 30
    """Levels every 10 seconds are kept so long, then one a minute for ever."""
    chains_hours: Annotated[int, Meta(ge=1, le=87600)] = 48
    """Whole chains every 10 seconds are kept so long, then one a minute."""
    chains_days: Days = 30
    """Whole chains one a minute are kept so long."""
    max_gb: Annotated[float, Meta(ge=0.1, le=10000)] = 10.0
    """Above this the oldest chains go first; levels never."""


class Deribit(Table, frozen=True):
    """``[sources.deribit]``."""

    rest_url: str = "https://www.deribit.com/api/v2"
    ws_url: str = "wss://www.deribit.com/ws/api/v2"


class Bybit(Table, frozen=True):
    """``[sources.bybit]``."""

    rest_url: str = "https://api.bybit.com"
    ws_url: str = "wss://stream.bybit.com"


class Binance(Table, frozen=True):
    """``[sources.binance]``."""

    rest_url: str = "https://api.binance.com"
    ws_url: str = "wss://stream.binance.com:9443"
    fallback_rest_urls: tuple[str, ...] = ("https://data-api.binance.vision", "https://api.binance.us")
    """Tried in order where the first is refused (Binance answers 451 to some countries)."""


class Cboe(Table, frozen=True):
    """``[sources.cboe]``."""

    rest_url: str = "https://cdn.cboe.com/api/global/delayed_quotes"


class Yahoo(Table, frozen=True):
    """``[sources.yahoo]``."""

    rest_url: str = "https://query2.finance.yahoo.com"
    cookie_url: str = "https://fc.yahoo.com"


class Tradier(Table, frozen=True):
    """``[sources.tradier]``."""

    rest_url: str = "https://api.tradier.com/v1"
    every_minutes: Annotated[float, Meta(ge=1.0, le=1440.0)] = 10.0
    """While New York trades, every ticker is read so often; out of hours not at all."""


class Tastytrade(Table, frozen=True):
    """``[sources.tastytrade]``; the dxLink address comes from its API."""

    rest_url: str = "https://api.tastyworks.com"


class Sources(Table, frozen=True):
    """``[sources]``: where each venue and vendor is reached."""

    deribit: Deribit = Deribit()
    bybit: Bybit = Bybit()
    binance: Binance = Binance()
    cboe: Cboe = Cboe()
    yahoo: Yahoo = Yahoo()
    tradier: Tradier = Tradier()
    tastytrade: Tastytrade = Tastytrade()


SOURCES = ("deribit", "bybit", "cboe", "yahoo", "tradier", "tastytrade")
"""The sources of option chains, as ``[tickers]`` names them."""
SAME_CONTRACTS = frozenset({"cboe", "yahoo", "tradier", "tastytrade"})
"""Sources that tell of the same exchanges' options; the sum of two of them would count every contract twice."""


class TickerChoice(Table, frozen=True):
    """``[tickers.BTC]``: where one ticker's chains come from."""

    sources: Annotated[tuple[str, ...], Meta(max_length=8)] = ()
    """The preferred one first, the others for when it fails; empty lets gextui choose."""
    combine: bool = False
    """Read the sum of all of them instead."""
    coins_per_share: Annotated[float, Meta(ge=0.0, le=1000.0)] = 0.0
    """For a coin ETF, the coins that its fund holds over its shares outstanding; 0 takes both prices."""
    holdings_on: date | None = None
    """The day at whose end it was so."""


class Secrets(Table, frozen=True):
    """``[secrets]``: commands that print a credential, or files (0600) that hold one; never a credential itself."""

    tradier_token_command: Command = ()
    tradier_token_file: str = ""
    tastytrade_client_secret_command: Command = ()
    tastytrade_client_secret_file: str = ""
    tastytrade_refresh_token_command: Command = ()
    tastytrade_refresh_token_file: str = ""
    anthropic_api_key_command: Command = ()
    anthropic_api_key_file: str = ""

    def configure(self, name: SecretName) -> bool:
        """Whether anything says where the credential is, see `is_configured`."""
        return is_configured(name, command=getattr(self, f"{name}_command"), file=getattr(self, f"{name}_file"))

    def find(self, name: SecretName) -> tuple[Secret, str] | None:
        """The credential and where it was found, see `find_secret`."""
        return find_secret(name, command=getattr(self, f"{name}_command"), file=getattr(self, f"{name}_file"))


class Settings(Table, frozen=True):
    """Everything config.toml can say."""

    general: General = General()
    rates: Rates = Rates()
    storage: Storage = Storage()
    sources: Sources = Sources()
    secrets: Secrets = Secrets()
    tickers: dict[str, TickerChoice] = msgspec.field(default_factory=dict)
    """By symbol, in capitals."""
    keys: dict[str, str] = msgspec.field(default_factory=dict)
    """Action ids (docs/keys.md) to the keys that run them."""


def config_path() -> Path:
    """Where config.toml is looked for unless ``--config`` names another file."""
    return platformdirs.user_config_path("gextui", appauthor=False) / "config.toml"


def database_path(settings: Settings) -> Path:
    """The database."""
    if settings.storage.path:
        return Path(settings.storage.path).expanduser()
    return platformdirs.user_data_path("gextui", appauthor=False) / "gextui.db"


def state_path() -> Path:
    """The folder of what the screen remembers between runs."""
    return platformdirs.user_state_path("gextui", appauthor=False)


def cache_path() -> Path:
    """The folder of what can be fetched anew."""
    return platformdirs.user_cache_path("gextui", appauthor=False)


def load_settings(path: Path | None = None) -> Settings:
    """The settings in ``path``, or in the user's config.toml; the defaults where the user has none.

    Raises:
        ConfigError: the named file is missing, or a file cannot be read, is not TOML, or says what is not accepted.
    """
    file = path or config_path()
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        if path is None:
            return Settings()
        raise ConfigError(f"{_name(file)} does not exist; name another with --config, or write it") from None
    except OSError as error:
        raise ConfigError(f"{_name(file)} cannot be read: {error.strerror}") from None
    return parse_settings(data, _name(file))


def parse_settings(data: bytes, name: str) -> Settings:
    """The settings in TOML text; ``name`` is the file's, for messages.

    Raises:
        ConfigError: it is not TOML, or says what is not accepted.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(f"{name} is not UTF-8 text (line {line}); save it as UTF-8") from None
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not TOML: {clean_text(str(error))}") from None
    try:
        return _table(Settings, tables, "")
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None


def example() -> str:
    """The text of config.example.toml: every key with its default."""
    return (Path(__file__).parent / "config.example.toml").read_text(encoding="utf-8")


def write_example(path: Path) -> None:
    """Write the example to ``path``, readable by its owner alone; an existing file is never touched.

    Raises:
        FileExistsError: it is there already.
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(example())


def plain_tickers(symbols: Iterable[str]) -> tuple[str, ...]:
    """Ticker symbols in capitals, each once, in order.

    Raises:
        ValueError: one is no symbol, or there are too many.
    """
    capitals = tuple(dict.fromkeys(symbol.strip().upper() for symbol in symbols))
    for symbol in capitals:
        if not is_symbol(symbol):
            raise ValueError(f"{clean_text(symbol, 40)!r} is not a ticker: letters, digits and . _ : / ^ $ -, up to 32")
    if len(capitals) > MOST_TICKERS:
        raise ValueError(f"{len(capitals):,} tickers are too many; up to {MOST_TICKERS} are watched at once")
    return capitals


_T = TypeVar("_T", bound=Table)


def _table(kind: type[_T], values: dict[str, object], where: str) -> _T:
    """Read one table key by key, so that a message can name the key; ``where`` is its own name with a final dot."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    read: dict[str, object] = {}
    for key, value in values.items():
        field = fields.get(key)
        if field is None:
            raise ValueError(_unknown(key, fields, where))
        if _is_table(field.type):
            read[key] = _table(field.type, _as_table(value, f"{where}{key}"), f"{where}{key}.")
        elif field.type == dict[str, TickerChoice]:
            read[key] = _by_symbol(value, f"{where}{key}")
        else:
            read[key] = _value(field.type, value, f"{where}{key}")
    return kind(**read)


def _as_table(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be a table, written [{where}]")
    return value


def _by_symbol(tables: object, where: str) -> dict[str, TickerChoice]:
    """Tables by ticker symbol."""
    if not isinstance(tables, dict):
        raise ValueError(f"{where} must be tables, written [{where}.BTC]; the list of tickers belongs under [general]")
    choices = {}
    for key, value in tables.items():
        name = f"{where}.{clean_text(key, 40)}"
        try:
            [symbol] = plain_tickers([key])
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        choices[symbol] = choice = _table(TickerChoice, _as_table(value, name), f"{name}.")
        if choice.coins_per_share and ticker_for(symbol).coin is None:
            raise ValueError(f"{name}.coins_per_share is for an ETF that holds a coin: IBIT or ETHA")
        for etf in (source for source in choice.sources if source not in SOURCES):
            if not choice.combine or ticker_for(etf).coin != symbol:
                raise ValueError(f"{name}.sources: {etf} only joins the sum of the coin that it holds: combine = true")
        if choice.combine and len(choice.sources) < 2:
            raise ValueError(f'{name}.combine needs two sources or more, e.g. sources = ["deribit", "bybit"]')
        if choice.combine and len(vendors := [source for source in choice.sources if source in SAME_CONTRACTS]) > 1:
            raise ValueError(f"{name}.combine cannot sum {' and '.join(vendors)}: they tell of the same contracts")
    return choices


def check_sources(names: Sequence[str], where: str) -> tuple[str, ...]:
    """The names of sources, each once; a coin ETF may be one for its coin.

    Raises:
        ValueError: one is no source.
    """
    for name in names:
        if name not in SOURCES and (name != name.upper() or ticker_for(name).coin is None):
            near = difflib.get_close_matches(name, SOURCES, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(SOURCES)}"
            raise ValueError(f"{where}: {clean_text(name, 40)!r} is not a source; {hint}")
    return tuple(dict.fromkeys(names))


def _is_table(kind: object) -> TypeGuard[type[Table]]:
    return isinstance(kind, type) and issubclass(kind, Table)


def _value(kind: object, value: object, where: str) -> object:
    try:
        found = msgspec.convert(value, kind)
    except msgspec.ValidationError:
        given = "" if where.startswith("secrets.") else f", not {clean_text(repr(value), 60)}"
        raise ValueError(f"{where} must be {_accepted(kind)}{given}") from None
    key = where.rpartition(".")[2]
    if key.endswith("_url"):
        check_url(str(found), where)
    elif key.endswith("_urls"):
        for url in found:
            check_url(url, where)
    elif where.startswith("tickers.") and key == "sources":
        return check_sources(found, where)
    elif where == "general.tickers":
        try:
            return plain_tickers(found)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
    return found


def _unknown(key: str, fields: Iterable[str], where: str) -> str:
    near = difflib.get_close_matches(key, fields, n=1, cutoff=0.6)
    shown = f"{where}{clean_text(key, 40)}"
    if where == "secrets.":
        hint = "credentials are not written here but given by environment, *_command or *_file"
        return f"{shown} is not a key; {hint}" + (f" (did you mean {near[0]}?)" if near else "")
    if near:
        return f"{shown} is not a key; did you mean {where}{near[0]}?"
    tables = () if where else msgspec.structs.fields(Settings)
    homes = [table.name for table in tables if _is_table(table.type) and key in table.type.__struct_fields__]
    hint = f"it belongs under [{homes[0]}]" if homes else f"accepted are {', '.join(fields)}"
    return f"{shown} is not a key; {hint}"


def _accepted(kind: object) -> str:
    """What a field takes, in words."""
    match msgspec.inspect.type_info(kind):
        case msgspec.inspect.BoolType():
            return "true or false"
        case msgspec.inspect.IntType(ge=low, le=high):
            return f"a whole number from {low} to {high}"
        case msgspec.inspect.FloatType(ge=low, le=high):
            return f"a number from {low} to {high}"
        case msgspec.inspect.UnionType():
            return "a date, like 2026-11-20"
        case msgspec.inspect.VarTupleType():
            return 'a list of texts, like ["one", "two"]'
        case msgspec.inspect.DictType():
            return 'a table of texts, like name = "value"'
        case _:
            return "a text in quotes"


def check_url(url: str, where: str) -> None:
    """Refuse an address that would send what we ask for, or a credential, where it should not go.

    Raises:
        ValueError: not https or wss (plain http or ws to loopback is accepted), or a host or form that is refused.
    """
    plain, secure = ("ws", "wss") if where.endswith("ws_url") else ("http", "https")
    shown = clean_text(url, 80)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{where} is not an address: {shown!r}") from None
    if "@" in parts.netloc:
        raise ValueError(f"{where} must not hold a user name or password")
    if parts.scheme not in (plain, secure) or not host:
        raise ValueError(f"{where} must be an address that starts with {secure}://, not {shown!r}")
    if parts.query or parts.fragment or not url.isascii() or not url.isprintable() or any(c in url for c in " \\"):
        raise ValueError(f"{where} must be a plain address with no query and no letters outside ASCII, not {shown!r}")
    if host == "localhost":
        return
    address = _address(host, where)
    if address is not None and address.is_loopback:
        return
    if parts.scheme == plain:
        raise ValueError(f"{where} must start with {secure}://; plain {plain}:// is for this machine (127.0.0.1) alone")


def _address(host: str, where: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that ``host`` is, None where it is a name; refuses those that reach a cloud's own services."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        labels = host.rstrip(".").split(".")
        if labels[-1].isdigit() or labels[-1].startswith("0x") or any(label.startswith("xn--") for label in labels):
            raise ValueError(f"{where} must name a host in plain letters, not {host!r}") from None
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    reached = address if mapped is None else mapped
    if reached.is_link_local or reached.is_unspecified or reached.is_multicast or reached in _LOCAL_SIX:
        raise ValueError(f"{where} must not point to {host}: link-local and unspecified addresses are refused")
    return address


_LOCAL_SIX = ipaddress.ip_network("fd00::/8")


def _name(file: Path) -> str:
    return clean_text(str(file))
