"""The invented company's website: its pages, what readers open next, and how each request looks."""

from __future__ import annotations

from urllib.parse import quote

from .dice import Dice, Wheel

PRODUCTS = ("analytics", "crm", "erp", "security")
SOLUTIONS = ("sales", "production", "finance")
BLOG = {
    "analytics": (
        "data-analysis-start",
        "bi-comparison",
        "dashboard-design",
        "access-log-basics",
        "kpi-tree",
    ),
    "crm": ("crm-vs-sfa", "customer-list-cleaning", "lead-nurturing-basics", "sales-handover", "crm-failure"),
    "erp": ("erp-replacement", "inventory-accuracy", "e-invoice", "month-end-closing", "cost-accounting"),
    "security": ("zero-trust-intro", "mail-attack", "isms-first-step", "log-retention", "password-policy"),
}
CASES = {
    "analytics": ("retail-demand-forecast", "factory-visualisation", "marketing-dashboard"),
    "crm": ("lease-sales-reform", "homes-follow-up", "trading-lead-sharing"),
    "erp": ("precision-parts-erp", "food-wholesale-erp", "construction-cost-erp"),
    "security": ("hospital-access-control", "logistics-zero-trust", "credit-union-soc"),
}
DOCUMENTS = {
    "analytics": ("analytics-guide", "kpi-workbook"),
    "crm": ("crm-guide", "sales-checklist"),
    "erp": ("erp-guide", "production-casebook"),
    "security": ("security-guide", "incident-handbook"),
}
SKUS = {
    "starter-book": ("analytics", 3300),
    "kpi-cards": ("analytics", 2200),
    "crm-textbook": ("crm", 2860),
    "security-key": ("security", 5500),
    "security-poster": ("security", 1100),
}
SEARCH_WORDS = {
    "analytics": ("BIツール 比較", "データ分析 始め方", "ダッシュボード 事例"),
    "crm": ("CRM 導入", "顧客管理 システム 比較", "営業支援 SFA 違い"),
    "erp": ("ERP 中堅企業", "生産管理 システム 価格", "原価計算 効率化"),
    "security": ("ゼロトラスト とは", "標的型メール 対策", "ログ管理 製品"),
}
_INNER = ("features", "integration", "support", "")

_NEXT = {
    "learn": Wheel(
        {"blog": 50, "product": 20, "solution": 12, "case": 8, "search": 3, "document": 4, "company": 3}
    ),
    "compare": Wheel(
        {
            "product": 30,
            "case": 22,
            "solution": 17,
            "blog": 10,
            "price": 10,
            "faq": 5,
            "seminar": 3,
            "search": 3,
        }
    ),
    "decide": Wheel(
        {
            "price": 27,
            "faq": 20,
            "case": 20,
            "product": 15,
            "contact": 4,
            "quote": 3,
            "company": 6,
            "search": 5,
        }
    ),
    "shop": Wheel({"shop": 80, "top": 10, "blog": 10}),
    "job": Wheel({"recruit": 70, "company": 25, "top": 5}),
}
_CHANNELS = Wheel(
    {"search": 52, "direct": 19, "social": 7, "cpc": 10, "banner": 3, "paid social": 3, "referral": 6}
)
_SEARCHERS = Wheel({"google": 70, "yahoo": 20, "bing": 10})
_REFERRALS = ("https://www.it-hikaku.example.com/ranking", "https://partner.example.jp/links")
ASSETS = ("/assets/site.css", "/assets/site.js", "/assets/logo.png", "/assets/hero.png", "/assets/track.js")


def page(kind: str, product: str, solution: str, dice: Dice) -> str:
    """One page of a kind, mostly about the product and solution the reader cares for."""
    if not dice.chance(0.82):
        product = dice.pick(PRODUCTS)
    if kind == "blog":
        return f"/blog/{dice.pick(BLOG[product])}"
    if kind == "case":
        return f"/case/{dice.pick(CASES[product])}"
    if kind == "product":
        inner = dice.pick(_INNER)
        return f"/products/{product}/{inner}"
    if kind == "solution":
        return f"/solutions/{solution or dice.pick(SOLUTIONS)}/"
    if kind == "document":
        return f"/download/{dice.pick(DOCUMENTS[product])}"
    if kind == "search":
        return f"/search?q={quote(dice.pick(SEARCH_WORDS[product]).split()[0])}"
    if kind == "shop":
        return f"/shop/{dice.pick(tuple(SKUS))}"
    return _FIXED[kind]


_FIXED = {
    "top": "/",
    "price": "/price/",
    "faq": "/faq/",
    "company": "/company/",
    "contact": "/contact",
    "quote": "/quote",
    "seminar": "/seminar/",
    "recruit": "/recruit/",
}


def next_page(stage: str, product: str, solution: str, dice: Dice) -> str:
    """What a reader at this stage (learn, compare, decide, shop, job) opens next."""
    return page(_NEXT[stage].turn(dice), product, solution, dice)


def arrival(stage: str, product: str, solution: str, month: str, dice: Dice) -> tuple[str, str]:
    """How a visit begins: (path with query, referrer), from search, advertisements, social or by hand."""
    channel = _CHANNELS.turn(dice)
    first = next_page(stage, product, solution, dice).partition("?")[0]
    if channel == "search":
        return first, _search_referrer(product, dice)
    if channel == "cpc":
        word = quote(dice.pick(SEARCH_WORDS[product]))
        return (
            f"/products/{product}/?utm_source=google&utm_medium=cpc&utm_campaign=ads-search-{month}&utm_term={word}",
            "https://www.google.com/",
        )
    if channel == "banner":
        return f"{first}?utm_source=it-hikaku&utm_medium=banner&utm_campaign=ads-banner-{month}", _REFERRALS[
            0
        ]
    if channel == "paid social":
        tags = f"utm_source=facebook&utm_medium=social&utm_campaign=ads-social-{month}"
        return f"{first}?{tags}", "https://www.facebook.com/"
    if channel == "social":
        return first, dice.pick(("https://t.co/", "https://www.facebook.com/", "https://www.linkedin.com/"))
    if channel == "referral":
        return first, dice.pick(_REFERRALS)
    return ("/" if dice.chance(0.5) else first), "-"


def _search_referrer(product: str, dice: Dice) -> str:
    engine = _SEARCHERS.turn(dice)
    if engine == "google":
        return "https://www.google.com/"
    word = quote(dice.pick(SEARCH_WORDS[product]))
    if engine == "yahoo":
        return f"https://search.yahoo.co.jp/search?p={word}"
    return f"https://www.bing.com/search?q={word}"
