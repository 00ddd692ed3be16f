"""
One question, six readers: what each makes of the same file, and the `conform` protocol's rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deeplink.association.android_devices import Agent, ask_agent, ask_chromium, stricter
from deeplink.association.android_google import answer
from deeplink.association.android_questions import Answer, Served, Verdict, response_of

if TYPE_CHECKING:
    from collections.abc import Mapping

GOOGLE = "google_dal_api"
CHROMIUM = "chromium"
#: What holds on every Android from 12 on, whatever its parser.
ANDROID_12_PLUS = "aosp_12plus"

#: Every reader, in the order in which reports name them.
ENGINES = (GOOGLE, *(str(agent) for agent in Agent), ANDROID_12_PLUS, CHROMIUM)


def verdict(
    engine: str, query: Mapping[str, object], served: Served, *, lists: bool = False
) -> Verdict:
    """
    The answer of *engine*, one of ENGINES; INVALID for a reader that we do not know.

    *query* is ``{source, relation, target}`` with assets as the file spells them; an app may
    name one ``sha256_cert_fingerprint`` or several. *lists* asks for all statements and is a
    question for Google's API alone: the others only ever check.
    """
    if engine == GOOGLE:
        return answer(query, served, lists=lists)
    if engine == CHROMIUM:
        return ask_chromium(query, served)
    if engine == ANDROID_12_PLUS:
        agents = (Agent.ANDROID_12_14, Agent.ANDROID_15)
        return stricter(ask_agent(agent, query, served) for agent in agents)
    agent = next((one for one in Agent if one == engine), None)
    return Verdict(Answer.INVALID) if agent is None else ask_agent(agent, query, served)


def conform_statements(row: Mapping[str, object]) -> dict[str, object]:
    """The answer to one row of the statements questions; whatever the row holds, never a raise."""
    includes, query = row.get("includes"), row.get("query")
    served = Served(
        document=row.get("statements"),
        includes=includes if isinstance(includes, dict) else {},
        response=response_of(row.get("response")),
    )
    found = verdict(
        str(row.get("engine")),
        query if isinstance(query, dict) else {},
        served,
        lists=row.get("op") == "list",
    )
    return {
        "id": row.get("id"),
        "verdict": str(found.answer),
        "errors": list(found.errors),
        "statements": [made.as_json() for made in found.statements],
    }
