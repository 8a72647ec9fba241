"""Progress in words: the step, rows, speed and time left."""

from pipelines.progress import Pace, Progress
from schemas.text import Language, Text

STAGE_WORDS = {
    "read": Text(zh="读取", en="read"),
    "validate": Text(zh="校验", en="validate"),
    "detect": Text(zh="识别敏感信息", en="detect personal data"),
    "treat": Text(zh="脱敏处理", en="treat"),
    "assess": Text(zh="评估风险", en="assess"),
    "package": Text(zh="打包", en="package"),
    "mark": Text(zh="标注问题单元格", en="mark cells"),
    "fix": Text(zh="改正", en="fix"),
}


def told(now: Progress, pace: Pace, lang: Language) -> str:
    """Rows, speed and time left, as far as they are known."""
    parts = [Text(zh=f"{now.rows:,} 行", en=f"{now.rows:,} rows")] if now.rows else []
    if pace.bytes_per_second:
        parts.append(_both(f"{pace.bytes_per_second / 1e6:.1f} MB/s"))
    elif pace.rows_per_second:
        parts.append(Text(zh=f"{pace.rows_per_second:,.0f} 行/秒", en=f"{pace.rows_per_second:,.0f} rows/s"))
    if pace.seconds_left:
        left = duration(pace.seconds_left)
        parts.append(Text(zh=f"剩 {left.zh}", en=f"{left.en} left"))
    return " · ".join(part.to(lang) for part in parts)


def duration(seconds: float) -> Text:
    """Whole seconds, from a minute on minutes and seconds, from an hour on hours and minutes."""
    whole = max(round(seconds), 1)
    if whole < 60:
        return Text(zh=f"{whole} 秒", en=f"{whole} s")
    if whole < 3600:
        return Text(zh=f"{whole // 60} 分 {whole % 60} 秒", en=f"{whole // 60} min {whole % 60} s")
    return Text(zh=f"{whole // 3600} 小时 {whole % 3600 // 60} 分", en=f"{whole // 3600} h {whole % 3600 // 60} min")


def _both(text: str) -> Text:
    return Text(zh=text, en=text)
