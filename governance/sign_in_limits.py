"""How often a password may be tried: per name and network, so that nobody locks somebody else out, and per address.

Ten attempts on a name from one network lock it for that network alone. An address that guesses on many names is slowed
down: after a burst of failures it may try once a minute. Right passwords do not count, so a large office behind one
address is not slowed by its own people.
"""

import hashlib
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

import sqlalchemy as sa

from governance.database.decision_tables import sign_in_attempts
from governance.database.utc_time import UtcTime
from schemas.errors import TooManyAttempts
from schemas.text import Text

ATTEMPTS_ALLOWED = 10  # per name and network within the window, counted whether or not the account exists
ATTEMPTS_WINDOW = timedelta(minutes=15)
BURST = 30  # failures from one address, on whatever names
REFILL = timedelta(minutes=1)  # then one more attempt each time
PREFIXES = {4: 24, 6: 64}  # the network of an address; a house or a mobile phone has a /64 to itself
FORGOTTEN = timedelta(days=1)  # what began longer ago tells nothing any more
LOCAL = "local"  # the command line and tests: no network
# Both databases understand it; two first attempts at once meet in one row.
FIRST_ATTEMPT = sa.text(
    "INSERT INTO sign_in_attempts (key, attempts, since) VALUES (:key, 0, :since) ON CONFLICT DO NOTHING"
).bindparams(sa.bindparam("since", type_=UtcTime))


def count_attempt(engine: sa.Engine, account: str, client: str, now: datetime) -> None:
    """Count one attempt, in a transaction of its own. Raises TooManyAttempts, and then counts nothing."""
    with engine.begin() as connection:
        _count_on_name(connection, account, client, now)
        _count_on_address(connection, client, now)


def forget_attempt(connection: sa.Connection, account: str, client: str) -> None:
    """The password was right: the name starts again from that network, and the address is not slowed by it."""
    connection.execute(sign_in_attempts.delete().where(sign_in_attempts.c.key == _name_key(account, client)))
    connection.execute(
        sign_in_attempts.update()
        .where(sign_in_attempts.c.key == _address_key(client), sign_in_attempts.c.attempts > 0)
        .values(attempts=sign_in_attempts.c.attempts - 1)
    )


def forget_old_attempts(connection: sa.Connection, now: datetime) -> None:
    """Rows of networks and names that came once do not stay for ever."""
    connection.execute(sign_in_attempts.delete().where(sign_in_attempts.c.since < now - FORGOTTEN))


def network_of(address: str) -> str:
    """The network of an address; what is no address stands for itself."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address) and known.ipv4_mapped:
        known = known.ipv4_mapped
    return str(ip_network((known, PREFIXES[known.version]), strict=False))


def _count_on_name(connection: sa.Connection, account: str, client: str, now: datetime) -> None:
    key = _name_key(account, client)
    attempts, since = _locked(connection, key, now)
    ends = since + ATTEMPTS_WINDOW
    if ends <= now:
        attempts, since = 0, now
    if attempts >= ATTEMPTS_ALLOWED:
        raise _too_many(ends - now)
    _write(connection, key, attempts + 1, since)


def _count_on_address(connection: sa.Connection, client: str, now: datetime) -> None:
    key = _address_key(client)
    attempts, since = _locked(connection, key, now)
    refilled = max(0, (now - since) // REFILL)
    if refilled >= attempts:
        attempts, since, refilled = 0, now, 0
    if attempts >= BURST + refilled:
        raise _too_many(since + (attempts - BURST + 1) * REFILL - now)
    _write(connection, key, attempts + 1, since)


def _locked(connection: sa.Connection, key: str, now: datetime) -> tuple[int, datetime]:
    """Attempts and since when; held until the transaction ends, so that parallel guesses do not slip through."""
    connection.execute(FIRST_ATTEMPT, {"key": key, "since": now})
    mine = sa.select(sign_in_attempts).where(sign_in_attempts.c.key == key).with_for_update()
    row = connection.execute(mine).mappings().one()
    return row["attempts"], row["since"]


def _write(connection: sa.Connection, key: str, attempts: int, since: datetime) -> None:
    mine = sign_in_attempts.update().where(sign_in_attempts.c.key == key)
    connection.execute(mine.values(attempts=attempts, since=since))


def _name_key(account: str, client: str) -> str:
    return _digest(f"name\n{network_of(client)}\n{account}")


def _address_key(client: str) -> str:
    """An IPv4 address by itself, an IPv6 one with its network, of which a guesser has all."""
    network = network_of(client)
    return _digest(f"address\n{network if ':' in network else client}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _too_many(wait: timedelta) -> TooManyAttempts:
    seconds = max(1, ceil(wait.total_seconds()))
    minutes = ceil(seconds / 60)
    return TooManyAttempts(
        "too-many-attempts",
        Text(zh="从您所在网络尝试登录的次数过多", en="too many sign-in attempts from your network"),
        Text(
            zh=f"请等待 {minutes} 分钟后再试；急用请联系运维人员",
            en=f"wait {minutes} {'minute' if minutes == 1 else 'minutes'}; ask the operator if it is urgent",
        ),
        retry_after=seconds,
    )
