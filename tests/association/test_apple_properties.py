"""What holds for every document and every URL, tried on generated ones."""

import itertools
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from deeplink.association import apple
from deeplink.association.apple_lint import lint, lint_reading
from deeplink.association.apple_match import Matcher, Target, conform, decide, explain
from deeplink.association.verdict import RESERVED_PATHS, App, IosApp, Link
from deeplink.findings import Place

APP = "Q7JAY4CE8K.com.acme.shop"
FEW = settings(max_examples=150, deadline=None)

pieces = st.sampled_from(
    ["/", "a", "b", "A", "*", "?", "$(digit)", "$(v)", "1", "%41", "%c3%a9", "é", "/*", "$(x", "//"]
)
patterns = st.lists(pieces, max_size=6).map("".join)
flags = st.sampled_from([True, False])
rules = st.fixed_dictionaries(
    {},
    optional={
        "/": patterns,
        "?": st.one_of(patterns, st.dictionaries(st.sampled_from("abA"), patterns, max_size=2)),
        "#": patterns,
        "exclude": flags,
        "caseSensitive": flags,
        "percentEncoded": flags,
    },
)
documents = st.builds(
    lambda details, above: {
        "applinks": {
            "details": details,
            "defaults": above,
            "substitutionVariables": {"v": ["b", "a*", "1?"]},
        }
    },
    st.lists(
        st.fixed_dictionaries(
            {"appIDs": st.just([APP]), "components": st.lists(rules, max_size=4)},
            optional={"defaults": rules},
        ),
        max_size=3,
    ),
    st.one_of(st.just({}), rules),
)
url_text = st.lists(
    st.sampled_from(["/", "a", "b", "A", "B", "1", "%41", "%C3%A9", "%c3%a9", "%", "é", "//"]),
    max_size=5,
).map("".join)
queries = st.lists(
    st.tuples(st.sampled_from(["a", "b", "A", "%61"]), st.sampled_from(["", "="]), url_text),
    max_size=3,
).map(lambda items: "&".join("".join(item) for item in items))
urls = st.builds(
    lambda path, query, fragment: f"https://example.com/{path}?{query}#{fragment}",
    url_text,
    queries,
    url_text,
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), patterns),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(
                st.text(max_size=3),
                st.sampled_from(
                    [
                        *("applinks", "details", "appID", "appIDs", "components", "paths"),
                        *("defaults", "substitutionVariables", "webcredentials", "apps"),
                        *("/", "?", "#", "exclude", "caseSensitive", "percentEncoded"),
                    ]
                ),
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=25,
)


def place_of(path):
    return Place("aasa", key="/".join(map(str, path)))


# --- the algorithm once more, as slow and plain as it can be said ---


def spelled_out(pattern, variables):
    """The patterns without variables that *pattern* stands for."""
    before, opener, rest = pattern.partition("$(")
    if not opener:
        return [[*before]]
    name, closer, after = rest.partition(")")
    if not closer:
        return []
    values = variables.get(name, ())
    tails = spelled_out(after, variables)
    return [[*before, *value, *tail] for value in values for tail in tails]


def matches_plainly(pattern, text, fold):
    table = [[False] * (len(text) + 1) for _ in range(len(pattern) + 1)]
    table[0][0] = True
    for i, sign in enumerate(pattern, 1):
        for j in range(len(text) + 1):
            if sign == "*":
                table[i][j] = table[i - 1][j] or (j > 0 and table[i][j - 1])
            elif j > 0 and (sign == "?" or fold(sign) == fold(text[j - 1])):
                table[i][j] = table[i - 1][j - 1]
    return table[-1][-1]


def decoded(text):
    """Undo each group of escapes that is UTF-8; the longest valid reading from the left."""
    result = ""
    while text:
        for length in (4, 3, 2, 1):
            group = text[: 3 * length]
            digits = [group[n : n + 3] for n in range(0, len(group), 3)]
            try:
                if len(digits) == length and all(d[0] == "%" and len(d) == 3 for d in digits):
                    char = bytes(int(d[1:], 16) for d in digits).decode()
                    if len(char) == 1:
                        result, text = result + char, text[3 * length :]
                        break
            except ValueError:
                continue
        else:
            result, text = result + text[0], text[1:]
    return result


def plain_decision(document, url):
    applinks = document["applinks"]
    variables = {"digit": "0123456789", **applinks["substitutionVariables"]}
    rest, _, fragment = url.removeprefix("https://example.com").partition("#")
    path, _, query = rest.partition("?")
    for entry in applinks["details"]:
        for rule in entry["components"]:
            effective = {**applinks["defaults"], **entry.get("defaults", {}), **rule}
            if plain_match(effective, path or "/", query, fragment, variables):
                return "exclude" if effective.get("exclude") else "match"
    return "nomatch"


def plain_match(rule, path, query, fragment, variables):
    undo = decoded if rule.get("percentEncoded", True) is False else str

    def fold(char):
        return char if rule.get("caseSensitive", True) else char.lower()

    def glob(pattern, text):
        return any(matches_plainly(p, text, fold) for p in spelled_out(pattern, variables))

    path = undo(path).rstrip("/") or "/"
    wanted = rule.get("/", "*")
    begins = "/" if wanted.startswith("/") else ""
    wanted = (begins + wanted.lstrip("/")).rstrip("/") or begins
    forms = [wanted, wanted[:-2]] if wanted.endswith("/*") else [wanted]
    texts = [path] if begins else [path, path[1:]]
    if not any(glob(form, text) for form, text in itertools.product(forms, texts)):
        return False
    conditions = rule.get("?", "*")
    if isinstance(conditions, str):
        if not glob(conditions, undo(query)):
            return False
    else:
        items = [item.partition("=")[::2] for item in query.split("&")]
        for name, pattern in conditions.items():
            values = [undo(v) for n, v in items if [*map(fold, undo(n))] == [*map(fold, name)]]
            if not all(glob(pattern, value) for value in values or [""]):
                return False
    return glob(rule.get("#", "*"), undo(fragment))


@settings(max_examples=600, deadline=None)
@given(documents, urls)
def test_the_engine_decides_as_the_plain_algorithm_does(document, url):
    row = {"id": 0, "aasa": document, "appID": APP, "domain": "example.com", "url": url}
    assert conform(row)["decision"] == plain_decision(document, url)


@FEW
@given(anything, st.text(max_size=40))
def test_no_value_and_no_url_crashes_anything(value, url):
    file = apple.parse(value)
    for finding in lint(value, place_of):
        assert str(finding)
    for app_id in {APP, *(i for entry in file.entries for i in entry.app_ids)}:
        explain(file, app_id, f"https://example.com/{url}", "example.com")
        decide(file, app_id, url, "example.com")
    conform(value)
    conform({"aasa": value, "url": url, "appID": APP})
    apple.render(apple.write(file))


@FEW
@given(st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(lambda tail: b"\x30" + tail)))
def test_no_bytes_crash_the_reader(data):
    reading = apple.read(data)
    assert (reading.fault is None) == isinstance(reading.value, dict)
    lint_reading(reading, "aasa")


@FEW
@given(documents, st.lists(urls, min_size=1, max_size=4))
def test_a_document_written_again_is_the_same_and_means_the_same(document, some_urls):
    file = apple.parse(document)
    again = apple.write(file)
    assert apple.write(apple.parse(again)) == again
    for url in some_urls:
        first = decide(file, APP, url, "example.com")
        assert decide(apple.parse(again), APP, url, "example.com").decision is first.decision


ios = st.builds(
    lambda n, legacy: IosApp((f"Q7JAY4CE8K.com.acme.a{n}",), None, None, legacy),
    st.integers(0, 2),
    flags,
)
link_text = st.lists(st.sampled_from(["a", "b", "*", "c", "-"]), min_size=1, max_size=4).map(
    "".join
)
links = st.lists(
    st.builds(
        lambda on, path, query, fragment, exclude: Link(
            App(on.app_ids[0], "x", None, on, False),
            (),
            f"/{path}",
            tuple(query.items()),
            fragment,
            exclude,
        ),
        ios,
        link_text,
        st.dictionaries(st.sampled_from("ab"), link_text, max_size=2),
        st.none() | link_text,
        flags,
    ),
    max_size=5,
)


@FEW
@given(links)
def test_what_is_built_parses_and_is_built_again_the_same(rows):
    document = apple.build(rows, [])
    assert json.loads(apple.render(document)) == document
    modern = apple.write(apple.parse(document))
    assert apple.write(apple.parse(modern)) == modern
    if "apps" not in document["applinks"]:
        assert modern == document


@FEW
@given(links, urls)
def test_old_systems_never_open_more_than_new_ones(rows, url):
    for entry in apple.build(rows, [])["applinks"]["details"]:
        if "paths" not in entry:
            continue
        old = {"appIDs": entry["appIDs"], "paths": entry["paths"]}
        opens_old, opens_new = (
            decide(
                apple.parse({"applinks": {"details": [one]}}), entry["appID"], url, "example.com"
            ).decision
            == "match"
            for one in (old, entry)
        )
        assert opens_new or not opens_old


@FEW
@given(links)
def test_what_we_publish_never_opens_our_own_paths(rows):
    file = apple.parse(apple.build(rows, []))
    for path in (*RESERVED_PATHS, "/api/a-b/c", "/oauth/a?a=b&b=b#a"):
        url = "https://example.com" + path.replace("*", "a")
        for entry in file.entries:
            assert decide(file, entry.app_ids[0], url, "example.com").decision != "match"


@FEW
@given(documents, st.lists(urls, min_size=1, max_size=8))
def test_a_rule_that_is_called_unreachable_decides_no_url(document, some_urls):
    file = apple.parse(document)
    for finding in lint(document, place_of):
        if finding.code != "AASA055":
            continue
        keys = finding.place.key.split("/")
        dead = file.entries[int(keys[2])].rules[int(keys[4])]
        words = (word.strip(";,") for word in finding.what.split())
        witness = next(word for word in words if word.startswith("https:"))
        assert Matcher(Target(witness), file.variables).matches(dead)
        for url in (witness, *some_urls):
            assert decide(file, APP, url, "example.com").rule is not dead
