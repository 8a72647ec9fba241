"""Commands of the operator: demo, serve, worker, accounts, backup, restore, log."""

import getpass
import signal
import sys
import threading
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalog_config.settings import read_settings
from pipelines.cli.output import Json, Lang, print_json, print_table, say
from pipelines.cli.platform import command_actor, opened
from schemas.actor import Duty
from schemas.text import Text

if TYPE_CHECKING:
    from governance.accounts import Account

account_app = typer.Typer(no_args_is_help=True, help="Accounts. 账号。")
log_app = typer.Typer(no_args_is_help=True, help="The transparency log. 透明日志。")


def add_to(app: typer.Typer) -> None:
    app.command()(demo)
    app.command()(serve)
    app.command()(worker)
    app.command()(backup)
    app.command()(restore)
    app.add_typer(account_app, name="account")
    app.add_typer(log_app, name="log")


def demo(lang: Lang = "") -> None:
    """The sample city end to end; ends by itself. 示例城市全流程。"""
    from pipelines.demo import run_demo

    run_demo(read_settings())


def serve(
    host: str = "127.0.0.1",
    port: int = 8000,
    with_worker: Annotated[bool, typer.Option("--worker/--no-worker")] = True,
    lang: Lang = "",
) -> None:
    """API and portal, with an embedded worker. 启动门户与接口。"""
    import uvicorn

    from pipelines.home import clear_old_work, sole_server
    from pipelines.worker import embedded_worker

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # or uvicorn, which passes it on, ends us before our worker
    with opened() as platform, sole_server(platform.home):
        clear_old_work(platform.home)
        address = f"http://{host}:{port}"
        say(Text(zh=f"服务地址 {address} （Ctrl-C 停止）", en=f"serving on {address} (Ctrl-C stops)"))
        with embedded_worker(platform) if with_worker else nullcontext():
            uvicorn.run(
                "api.app:create_app",
                factory=True,
                host=host,
                port=port,
                log_level="warning",
                forwarded_allow_ips=platform.settings.trusted_proxies,  # without them its default believes 127.0.0.1
            )


def worker(
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End when nothing is due.")] = False, lang: Lang = ""
) -> None:
    """Work off the outbox: prepare, publish, letters; in child processes that end when nothing is due. 后台任务。"""
    from pipelines.memory_limit import limit_memory, memory_for_work
    from pipelines.worker import run_embedded, run_until_idle

    if until_idle:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        limit_memory(memory_for_work(read_settings().worker_memory))
        with opened() as platform:
            run_until_idle(platform)
    else:
        stop = threading.Event()
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, lambda *_: stop.set())  # then its child ends too, and what that had in hand is free
        with opened() as platform:
            run_embedded(platform, stop)


@account_app.command("create")
def account_create(
    account: str,
    duty: Annotated[list[Duty], typer.Option(help="May be given several times. 职责，可多次给出。")],
    name_zh: Annotated[str, typer.Option()],
    name_en: str = "",
    organisation: str | None = None,
    by: str = "",
    lang: Lang = "",
) -> None:
    """Create an account; the password is asked for, or read from standard input. 创建账号。"""
    from governance.accounts import create_account

    password = _ask_password()
    with opened() as platform, platform.engine.begin() as connection:
        create_account(
            connection,
            account=account,
            name=Text(zh=name_zh, en=name_en or name_zh),
            password=password,
            duties=frozenset(duty),
            organisation=organisation,
            actor=command_actor(platform, by),
            now=datetime.now(UTC),
        )
    say(Text(zh=f"已创建账号 {account}", en=f"created account {account}"))


def _ask_password() -> str:
    return getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


@account_app.command("list")
def account_list(json: Json = False, lang: Lang = "") -> None:
    """Accounts, their duties and organisations. 列出账号。"""
    from governance.accounts import list_accounts
    from governance.database.engine import reading

    with opened() as platform, reading(platform.engine) as connection:
        accounts = list_accounts(connection)
    if json:
        print_json([account_record(a) for a in accounts])
        return
    print_table(
        [
            Text(zh="账号", en="account"),
            Text(zh="名称", en="name"),
            Text(zh="职责", en="duties"),
            Text(zh="单位", en="organisation"),
            Text(zh="状态", en="state"),
        ],
        [
            (
                a.id,
                a.name,
                ", ".join(sorted(a.duties)),
                a.organisation or "",
                Text(zh="可用", en="active") if a.active else Text(zh="已停用", en="switched off"),
            )
            for a in accounts
        ],
    )


def account_record(account: "Account") -> dict[str, Any]:
    return {
        "account": account.id,
        "name": account.name.model_dump(),
        "duties": sorted(account.duties),
        "organisation": account.organisation,
        "active": account.active,
    }


@account_app.command("change")
def account_change(
    account: str,
    duty: Annotated[list[Duty] | None, typer.Option(help="The duties from now on. 此后的全部职责。")] = None,
    organisation: str | None = None,
    active: Annotated[
        bool | None, typer.Option("--on/--off", help="Off ends its sessions, tokens and grants at once. 停用。")
    ] = None,
    by: str = "",
    lang: Lang = "",
) -> None:
    """Change duties or organisation, or switch an account off; what is not given stays. 修改或停用账号。"""
    from governance.accounts import load_account, update_account

    with opened() as platform, platform.engine.begin() as connection:
        before = load_account(connection, account)
        update_account(
            connection,
            account=account,
            duties=before.duties if duty is None else frozenset(duty),
            organisation=before.organisation if organisation is None else organisation,
            active=before.active if active is None else active,
            actor=command_actor(platform, by),
            now=datetime.now(UTC),
        )
    say(Text(zh=f"已修改账号 {account}", en=f"changed account {account}"))


@account_app.command("password")
def account_password(account: str, by: str = "", lang: Lang = "") -> None:
    """Set a password, asked for or read from standard input; ends the account's sessions. 重设密码。"""
    from governance.accounts import set_password

    password = _ask_password()
    with opened() as platform, platform.engine.begin() as connection:
        actor = command_actor(platform, by)
        set_password(connection, account=account, password=password, actor=actor, now=datetime.now(UTC))
    say(Text(zh=f"已重设账号 {account} 的密码", en=f"set the password of {account}"))


@account_app.command("token")
def account_token(account: str, name: str = "command line", days: int = 90, by: str = "", lang: Lang = "") -> None:
    """Make an API token of an account; shown once. 生成接口令牌，只显示一次。"""
    from governance.accounts import create_api_token

    with opened() as platform:
        actor = command_actor(platform, by)
        with platform.engine.begin() as connection:
            token = create_api_token(
                connection, account=account, name=name, days=days, actor=actor, now=datetime.now(UTC)
            )
    print(token)


@log_app.command("verify")
def log_verify(json: Json = False, lang: Lang = "") -> None:
    """Recompute the transparency log and check every published file's digest. 核验透明日志与文件。"""
    from pipelines.verify import verify_log

    with opened() as platform:
        result = verify_log(platform)
    if json:
        print_json(result)
    else:
        say(
            Text(
                zh=f"日志 {result['size']} 条，根 {result['root']}；{result['files']} 个文件摘要一致",
                en=f"{result['size']} entries, root {result['root']}; {result['files']} files have their digests",
            )
        )


def backup(target: Path, lang: Lang = "") -> None:
    """Back up the home folder while serving (holds the keys: keep it safe). 备份。"""
    from pipelines.backup import backup as write_backup

    size = write_backup(read_settings().home, target)
    say(Text(zh=f"已写入 {target}（{size:,} 字节）", en=f"wrote {target} ({size:,} bytes)"))


def restore(source: Annotated[Path, typer.Argument(exists=True, dir_okay=False)], lang: Lang = "") -> None:
    """Restore a backup into GONGKAI_HOME, which must be empty. 恢复。"""
    from pipelines.backup import restore as unpack

    home = read_settings().home
    unpack(source, home)
    say(Text(zh=f"已恢复到 {home}", en=f"restored into {home}"))
