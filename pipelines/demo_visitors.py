"""The demonstration's visitors: a developer who asks nobody, and a researcher who applies. Both come over HTTP."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import psutil

from catalog_config.settings import Settings
from governance.accounts import create_api_token
from pipelines.platform import Platform
from schemas.actor import Actor, Duty, system_actor
from schemas.dataset import Dataset
from schemas.errors import DependencyFailed
from schemas.text import Text

OPEN = "bus-stops"
RESTRICTED = "employment-registrations"
Steps = list[tuple[Text, str]]


@dataclass
class RunningServer:
    """The real server in a process of its own."""

    url: str
    process: subprocess.Popen[bytes]

    def wait_until_ready(self, seconds: float = 60) -> None:
        """Raises DependencyFailed when it does not answer."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                httpx.get(f"{self.url}/api/3/action/status_show", timeout=5).raise_for_status()
                return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise DependencyFailed(
            "server-not-ready",
            Text(zh="服务没有启动", en="the server did not start"),
            Text(zh="请用 gongkai serve 查看原因", en="gongkai serve shows why"),
        )

    def memory_mib(self) -> float:
        """Resident memory of the server process."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20


@contextmanager
def running_server(settings: Settings) -> Iterator[RunningServer]:
    """The server over the same home folder, on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "api.app:create_app", "--factory", "--log-level", "warning"]
    environment = {**os.environ, "GONGKAI_HOME": str(settings.home)}
    process = subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port)], env=environment)  # noqa: S603
    try:
        yield RunningServer(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait(timeout=30)


def developer_visit(url: str, datasets: dict[str, Dataset]) -> Steps:
    """Search, query and download open data without an account."""
    with httpx.Client(base_url=url, timeout=30) as client:
        found = _result(client.get("/api/3/action/package_search", params={"q": "公交站", "rows": 3}))
        package = _result(client.get("/api/3/action/package_show", params={"id": OPEN}))
        resource = package["resources"][0]["id"]
        rows = _result(client.get("/api/3/action/datastore_search", params={"resource_id": resource, "limit": 2}))
        whole = _ok(client.get(f"/download/{OPEN}/latest/open.csv", follow_redirects=True))
        again = client.get(str(whole.url), headers={"If-None-Match": whole.headers["etag"]})
        entries = _result(client.get("/api/3/action/package_list"))
    names = ", ".join(p["name"] for p in found["results"])
    return [
        (Text(zh="搜索“公交站”", en="search “公交站”"), f"{found['count']}: {names}"),
        (Text(zh="目录条目", en="catalogue entries"), f"{len(entries)} / {len(datasets)}"),
        (Text(zh="datastore_search", en="datastore_search"), f"{rows['total']:,} rows, {len(rows['fields'])} fields"),
        (Text(zh="下载 CSV", en="CSV download"), f"{len(whole.content):,} bytes, again: {again.status_code}"),
    ]


def researcher_visit(platform: Platform, url: str, people: list[Actor]) -> Steps:
    """Refused without a grant; apply, review, decide; download with the grant's token; revoked, and refused again."""
    download = f"/download/{RESTRICTED}/latest/restricted.csv"
    with (
        _client(platform, url, _with(people, Duty.RESEARCHER)) as researcher,
        _client(platform, url, _with(people, Duty.ACCESS_REVIEWER)) as reviewer,
        _client(platform, url, _with(people, Duty.DECIDER)) as decider,
        httpx.Client(base_url=url, timeout=30, follow_redirects=True) as stranger,
    ):
        before = stranger.get(download)
        wanted = _application(researcher, platform.settings.timezone)
        application = _ok(researcher.post("/api/v1/applications", json=wanted)).json()
        steps: Steps = [
            (Text(zh="未经授权下载", en="download without a grant"), _expect(before, 401)),
            (Text(zh="申请，承诺答复日", en="application, answer promised by"), str(application["due"])),
        ]
        address = f"/api/v1/applications/{application['id']}"
        opinion = {"favourable": True, "opinion": "目的明确，安全措施得当。"}
        _ok(reviewer.post(f"{address}/opinion", json=opinion))
        granted = _ok(decider.post(f"{address}/approval", json={"conditions": "仅限本项目使用。"})).json()
        token = _ok(researcher.post(f"{address}/token", json={})).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        data = _ok(stranger.get(download, headers=headers))
        other = stranger.get("/download/hotline-tickets/latest/restricted.csv", headers=headers)
        _ok(researcher.post(f"{address}/revocation", json={"reason": "演示结束"}))
        after = stranger.get(download, headers=headers)
    return [
        *steps,
        (Text(zh="安全审查与决定", en="security review and decision"), str(granted["status"])),
        (Text(zh="凭授权下载", en="download with the grant"), f"{len(data.content):,} bytes"),
        (Text(zh="同一令牌下载其他数据", en="the same token for other data"), _expect(other, 403)),
        (Text(zh="撤销后下载", en="download after revocation"), _expect(after, 403)),
    ]


def _with(people: list[Actor], duty: Duty) -> Actor:
    return next(p for p in people if duty in p.duties)


def _client(platform: Platform, url: str, actor: Actor) -> httpx.Client:
    """A client with an API token of this account, made by the operator."""
    with platform.engine.begin() as connection:
        token = create_api_token(
            connection,
            account=actor.id,
            name="demo",
            days=1,
            actor=system_actor("demo"),
            now=datetime.now(UTC),
        )
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=url, headers=headers, timeout=30, follow_redirects=True)


def _application(client: httpx.Client, timezone: str) -> dict[str, Any]:
    today = datetime.now(ZoneInfo(timezone)).date()
    return {
        "dataset": RESTRICTED,
        "tier": "restricted",
        "purpose": "研究本市就业结构随产业变化的趋势，为公共就业服务提供依据。",
        "project": "就业结构研究",
        "statement": "数据仅保存在加密的研究服务器上，由两名研究人员使用，项目结束后删除。",
        "period_from": today.isoformat(),
        "period_until": (today + timedelta(days=180)).isoformat(),
        "terms_version": _ok(client.get("/api/v1/applications/terms")).json()["version"],
    }


def _ok(response: httpx.Response) -> httpx.Response:
    if response.is_error:
        raise _unexpected(response)
    return response


def _expect(response: httpx.Response, status: int) -> str:
    if response.status_code != status:
        raise _unexpected(response)
    return f"{status} {response.json().get('code', '')}"


def _unexpected(response: httpx.Response) -> DependencyFailed:
    place = f"{response.request.method} {response.request.url.path}: {response.status_code}"
    code = response.json().get("code", "") if "json" in response.headers.get("content-type", "") else ""
    return DependencyFailed(
        "unexpected-answer",
        Text(zh=f"服务的答复出乎意料：{place} {code}", en=f"unexpected answer: {place} {code}"),
        Text(
            zh="请换一个空的 GONGKAI_HOME 重试；仍失败请连同服务日志报告",
            en="try again with an empty GONGKAI_HOME; if it still fails, report it with the server's log",
        ),
    )


def _result(response: httpx.Response) -> Any:
    return _ok(response).json()["result"]
