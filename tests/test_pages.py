"""The pages, asked through Datasette and through `Site`, against the numbers in the database."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urldefrag, urlsplit

import pytest
import yaml
from datasette.app import Datasette

from cost_support import counted_calls
from ldn_evidence.notice import NOT_ADVICE, WARNING
from ldn_evidence.publish.plugin.headers import OWN_POLICY, is_own_page
from ldn_evidence.publish.plugin.pages import Answer, Site
from ldn_evidence.publish.plugin.pages.charts.bubbles import spread
from ldn_evidence.publish.plugin.pages.charts.dots import score_interval
from ldn_evidence.publish.plugin.pages.numbers import (
    count,
    counted,
    estimate,
    minus,
    p_value,
    sentences,
    span,
    stored,
)
from ldn_evidence.publish.plugin.pages.queries import QUERIES
from ldn_evidence.publish.plugin.pages.reader import Reader
from ldn_evidence.publish.plugin.pages.words import Words, reading, short_citation
from ldn_evidence.publish.plugin.search_text import fts_query
from ldn_evidence.read.strict_yaml import parse

# One page of every kind; the map of kinds is checked against the table of addresses below.
KINDS = (
    "/",
    "/conditions",
    "/conditions/fibromyalgia",
    "/conditions/fibromyalgia/tier",
    "/studies",
    "/studies/bruun-2024",
    "/mechanisms",
    "/mechanisms/tlr4-microglia",
    "/safety",
    "/dosing",
    "/claims",
    "/claims/dg-12",
    "/trials",
    "/map",
    "/search",
    "/questions",
    "/questions/before-surgery",
    "/sources",
    "/sources/doctors-guide",
    "/method",
    "/about",
    "/about/searches",
)
LARGEST_PAGE = 150_000  # bytes, with the stylesheet, as sent to a browser that takes no compression
LARGEST_STYLESHEET = 30_000
LARGEST_CONDITION = 120_000  # the condition with the most evidence must stay readable

Query = dict[str, str]


class Seen(HTMLParser):
    """What a page holds: elements, attributes, text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.html = html
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]


def open_database(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.create_function("fts_query", 1, fts_query, deterministic=True)
    return connection


@pytest.fixture(scope="module")
def connection(built_database: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_database(built_database)) as opened:
        yield opened


@pytest.fixture(scope="module")
def site() -> Site:
    return Site("/", "https://example.org")


def html(answer: Answer) -> str:
    return answer.body.decode()


def served(database: Path, **options: Any) -> Datasette:
    described = database.parent / "metadata.yml"
    metadata = yaml.safe_load(described.read_text("utf-8")) if described.is_file() else None
    datasette = Datasette([], immutables=[str(database)], metadata=metadata, **options)
    asyncio.run(datasette.invoke_startup())
    return datasette


def fetch(datasette: Datasette, path: str, method: str = "GET", **options: Any) -> Any:
    async def ask() -> Any:
        return await datasette.client.request(method, path, **options)

    return asyncio.run(ask())


@pytest.fixture(scope="module")
def datasette(built_database: Path) -> Datasette:
    return served(built_database)


# --- every page ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def every_page(site: Site, connection: sqlite3.Connection) -> dict[str, Seen]:
    """Every page of the site that needs no parameter."""
    pages = {}
    for path in [*site.paths(connection), "/search"]:
        answer = site.answer(connection, path)
        assert answer.status == 200, path
        pages[path] = Seen(html(answer))
    assert len(pages) > 500
    return pages


def test_a_page_of_every_kind_is_among_those_looked_at_closely() -> None:
    from ldn_evidence.publish.plugin.pages.site import PAGES

    unseen = [pattern for pattern, _, _ in PAGES if not any(re.fullmatch(pattern, path) for path in KINDS)]
    assert unseen == []
    assert all(is_own_page(path) for path in KINDS)


def test_every_page_opens_with_the_opioid_warning_and_says_that_it_is_no_advice(
    every_page: dict[str, Seen],
) -> None:
    for path, page in every_page.items():
        body = page.html[page.html.index("<body") :]
        assert WARNING in body, path
        assert body.index(WARNING) < body.index("<h1"), path
        assert NOT_ADVICE in body, path


def test_every_page_has_one_heading_a_title_a_description_and_a_canonical_address(
    every_page: dict[str, Seen],
) -> None:
    titles = []
    descriptions: dict[str, str] = {}
    for path, page in every_page.items():
        assert len(page.all("h1")) == 1, path
        assert len(page.all("main")) == 1, path
        titles.append(re.findall(r"<title>(.*?)</title>", page.html, re.DOTALL)[0])
        description = next(meta["content"] for meta in page.all("meta") if meta.get("name") == "description")
        assert 20 <= len(description) <= 310, path
        assert descriptions.setdefault(description, path) == path
        canonical = next(link["href"] for link in page.all("link") if link.get("rel") == "canonical")
        assert canonical == f"https://example.org{path}"
    assert len(titles) - len(set(titles)) < 12  # some studies bear the same title


def test_no_page_has_anything_inline_or_from_elsewhere(every_page: dict[str, Seen]) -> None:
    for path, page in every_page.items():
        for tag, attributes in page.elements:
            assert "style" not in attributes, (path, tag)
            assert not [name for name in attributes if name.startswith("on")], (path, tag)
            assert tag not in ("style", "iframe", "object", "embed"), path
            if tag == "script":
                assert attributes == {"type": "application/ld+json"}, path
            if tag == "img" or (tag == "link" and attributes.get("rel") in ("stylesheet", "icon")):
                assert attributes.get("src", attributes.get("href", "")).startswith("/assets/"), path


def test_ids_are_unique_and_labels_lead_somewhere(every_page: dict[str, Seen]) -> None:
    for path, page in every_page.items():
        ids = page.ids()
        assert len(ids) == len(set(ids)), (path, [one for one in ids if ids.count(one) > 1][:3])
        for tag, attributes in page.elements:
            for name in ("aria-labelledby", "aria-describedby", "for"):
                for one in attributes.get(name, "").split():
                    assert one in ids, (path, tag, one)


def test_every_link_inside_the_pages_resolves(every_page: dict[str, Seen]) -> None:
    ids = {path: set(page.ids()) for path, page in every_page.items()}
    checked = 0
    for path, page in every_page.items():
        for link in page.all("a"):
            address, fragment = urldefrag(link["href"])
            parts = urlsplit(address)
            if (
                parts.scheme
                or not is_own_page(parts.path or path)
                or parts.path.startswith(("/api", "/feed"))
            ):
                continue
            target = parts.path or path
            assert target in every_page, (path, link["href"])
            if fragment and not parts.query:
                assert fragment in ids[target], (path, link["href"])
            checked += 1
    assert checked > 10_000


def test_links_to_other_sites_say_nothing_of_the_visitor_and_are_safe(every_page: dict[str, Seen]) -> None:
    outside = 0
    for path, page in every_page.items():
        for link in page.all("a"):
            scheme = urlsplit(link["href"]).scheme
            assert scheme in ("", "http", "https"), (path, link["href"])
            if scheme:
                outside += 1
                assert "noreferrer" in link.get("rel", ""), (path, link["href"])
    assert outside > 300


def test_links_to_datasette_the_api_and_downloads_resolve(
    every_page: dict[str, Seen], datasette: Datasette
) -> None:
    wanted: dict[str, str] = {}
    for path in KINDS:
        for link in every_page[path].all("a") + every_page[path].all("link"):
            if link["href"].startswith(("/ldn", "/api", "/feed")):
                wanted.setdefault(re.sub(r"/[^/.?]+(?=$|\.bib|\.ris)", "/…", link["href"]), link["href"])
    assert len(wanted) >= 20
    for address in wanted.values():
        assert fetch(datasette, address).status_code == 200, address


def test_tables_have_captions_and_header_cells(every_page: dict[str, Seen]) -> None:
    tables = 0
    for path, page in every_page.items():
        for table in re.findall(r"<table.*?</table>", page.html, re.DOTALL):
            tables += 1
            assert "<caption" in table, path
            assert 'scope="col"' in table, path
            if "<p>" not in table and path != "/method":  # tables of the method's text have no row headings
                assert 'scope="row"' in table, path
    assert tables > 400


def test_charts_have_a_title_and_a_description(every_page: dict[str, Seen]) -> None:
    charts = 0
    for path, page in every_page.items():
        for chart in re.findall(r'<svg[^>]*class="chart.*?</svg>', page.html, re.DOTALL):
            charts += 1
            assert re.search(r"<title id=\"[^\"]+\">[^<]{5,}</title><desc id=\"[^\"]+\">", chart), path
    assert charts > 20


def test_pages_are_light(every_page: dict[str, Seen], site: Site) -> None:
    stylesheet = next(link["href"] for link in every_page["/"].all("link") if link.get("rel") == "stylesheet")
    weight = len(site.asset(stylesheet).body)
    assert weight < LARGEST_STYLESHEET
    heavy = {
        path: len(page.html.encode())
        for path, page in every_page.items()
        if len(page.html.encode()) + weight > LARGEST_PAGE
    }
    assert heavy == {}
    conditions = {
        path: len(page.html.encode()) + weight
        for path, page in every_page.items()
        if path.startswith("/conditions/")
    }
    assert {path: size for path, size in conditions.items() if size > LARGEST_CONDITION} == {}


def test_linked_data_is_json_and_names_what_the_page_is_about(every_page: dict[str, Seen]) -> None:
    def read(path: str) -> dict[str, Any]:
        block = re.search(
            r'<script type="application/ld\+json">(.*?)</script>', every_page[path].html, re.DOTALL
        )
        assert block, path
        found: dict[str, Any] = json.loads(block[1])
        assert found["@context"] == "https://schema.org"
        return found

    condition = read("/conditions/fibromyalgia")
    assert condition["about"]["@type"] == "MedicalCondition"
    assert condition["about"]["name"] == "Fibromyalgia"
    assert read("/studies/bruun-2024")["@type"] == "MedicalTrial"
    assert read("/")["@type"] == "Dataset"


# --- numbers ---------------------------------------------------------------------------------------------------


def test_the_answer_on_a_condition_page_is_the_one_of_the_database(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    connection.row_factory = None
    rows = connection.execute(
        """
        SELECT conditions.id, vt.label, vd.label, randomized_trials, randomized_participants, reason
        FROM conditions JOIN condition_appraisals ON condition_id = conditions.id
        JOIN vocabulary_terms AS vt ON vt.vocabulary_id = 'evidence-tiers' AND vt.term = evidence_tier
        JOIN vocabulary_terms AS vd ON vd.vocabulary_id = 'directions' AND vd.term = direction
        """
    ).fetchall()
    assert len(rows) > 80
    for identifier, tier, direction, trials, people, reason in rows:
        text = " ".join(every_page[f"/conditions/{identifier}"].text.split())
        answer = text[text.index("Does it help") :][:3000]
        assert tier in answer
        assert direction in answer
        assert f"Randomised trials{count(trials)}" in answer
        assert f"People in them{count(people)}" in answer
        assert " ".join(minus(sentences(reason)[0]).split()) in answer


def test_fibromyalgia_shows_trials_for_and_against_side_by_side(every_page: dict[str, Seen]) -> None:
    page = every_page["/conditions/fibromyalgia"].html
    for study in ("younger-2013", "bested-2023", "bruun-2024", "rodriguez-freire-2026"):
        assert f'id="study-{study}"' in page
    assert "MD −0.34 points, 95% CI −0.95 to 0.27, P\u00a0=\u00a00.27" in page
    assert "Speaks for" in page
    assert "Speaks against" in page
    assert "What reviews pooled" in page
    assert "To raise it:" in page


def test_a_pooled_estimate_is_drawn_with_its_studies_and_their_weights(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    pools = connection.execute(
        "SELECT id, condition_id, random_value, random_ci_low, random_ci_high FROM meta_analyses"
    ).fetchall()
    assert pools
    for identifier, condition, value, low, high in pools:
        page = every_page[f"/conditions/{condition}"].html
        assert f"{estimate(value)} ({estimate(low)} to {estimate(high)})" in page
        for weight, study in connection.execute(
            "SELECT weight, study_id FROM meta_analysis_inputs WHERE meta_analysis_id = ? AND used",
            (identifier,),
        ).fetchall():
            assert f"{weight:.0f}%" in page
            assert f"/studies/{study}" in page


def test_the_people_in_a_forest_plot_are_those_whom_the_effect_compares(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    pools = connection.execute("SELECT id, condition_id, participants FROM meta_analyses").fetchall()
    assert pools
    for pool, condition, participants in pools:
        shown = [
            row
            for row in Reader(connection).rows("meta_analysis_inputs", id=condition)
            if row["meta_analysis_id"] == pool and row["used"]
        ]
        assert sum(row["participants"] for row in shown) == participants
        page = every_page[f"/conditions/{condition}"].html
        for row in shown:
            assert f"(n {row['participants']})" in page
        assert "n: people compared" in page


def test_a_condition_has_a_page_on_its_tier_with_every_step(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    page = every_page["/conditions/fibromyalgia/tier"]
    assert "/conditions/fibromyalgia/tier" in {
        link.get("href") for link in every_page["/conditions/fibromyalgia"].all("a")
    }
    for statement, rule in connection.execute(
        "SELECT statement, rule FROM tier_trace WHERE condition_id = 'fibromyalgia' AND criterion IS NULL AND satisfied"
    ):
        assert statement in page.text, rule
    ((left_out,),) = connection.execute(
        "SELECT count(DISTINCT reason) FROM meta_analysis_inputs WHERE condition_id = 'fibromyalgia' AND NOT used"
    )
    block = page.html[page.html.index('id="left-out"') :]
    assert block[: block.index("</section>")].count("<li>") == left_out


def test_people_are_counted_alike_in_the_answer_and_in_the_findings(every_page: dict[str, Seen]) -> None:
    text = " ".join(every_page["/conditions/multiple-sclerosis"].text.split())
    assert "People in them156 " in text.replace("People in them 156", "People in them156")
    assert "Quality of life (primary) 2156 " in text.replace(" 2 156 ", " 2156 ")
    assert "80 people, 60 analysed" in text


def test_people_in_the_findings_are_those_whom_the_outcome_compares(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    page = every_page["/conditions/fibromyalgia"]
    findings = page.text[page.text.index("Summary of findings") :]
    # A further paper analysed 45 and 47 of the 99 people of its trial.
    assert "Sensitivity to painful stimuli, 92 people" in findings
    assert "99 people, 92 analysed" in page.text
    outcomes = {
        row["id"]: row["compared"] for row in Reader(connection).rows("condition_outcomes", id="fibromyalgia")
    }
    assert outcomes["bruun-2025--conditioned-pain-modulation"] == 45 + 47
    assert outcomes["bruun-2024--pain"] == 49 + 50
    assert outcomes["younger-2013--pain-reduction"] == 28  # a crossover trial: the same people in both arms
    assert outcomes["ldn-tdcs-2023--pain-within-groups"] is None  # one of its four arms is not told
    several = {
        row["id"]: row["compared"] for row in Reader(connection).rows("condition_outcomes", id="migraine")
    }
    assert several["toledano-2021-acute--pain-free-2-hours"] == 19 + 17  # two of five arms


def test_other_studies_are_counted_alike_in_the_answer_and_in_the_reason(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    differing = 0
    for condition, all_counted, trials in connection.execute(
        "SELECT condition_id, counted_studies, randomized_trials FROM condition_appraisals"
    ).fetchall():
        page = every_page[f"/conditions/{condition}"]
        others = all_counted - trials
        shown = re.search(r"<dt>Other studies</dt><dd>(?:<a [^>]*>)?(\d+)<", page.html)
        assert shown
        assert int(shown[1]) == others, condition
        block = re.search(
            r'Other studies in people at low dose(?:</strong>)? <span class="n">(\d+)<', page.html
        )
        if block and int(block[1]) != others:
            differing += 1
            assert f"{others} of them count" in page.text, condition
    assert differing


def test_a_trial_of_a_combination_is_no_finding_on_naltrexone(every_page: dict[str, Seen]) -> None:
    page = every_page["/conditions/migraine"]
    findings = page.html[page.html.index('id="findings"') : page.html.index('id="studies"')]
    assert "toledano-2021-preventive" in page.html
    assert "toledano-2021-preventive" not in findings
    assert "Read so far: 2 trials as abstract; none in full text; 1 of them counts." in page.text


def test_studies_that_are_cited_alike_are_told_apart_by_their_titles(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    told = 0
    for (condition,) in connection.execute("SELECT id FROM conditions").fetchall():
        studies = Reader(connection).rows("condition_studies", id=condition)
        names = [short_citation(study) for study in studies]
        page = every_page[f"/conditions/{condition}"]
        for study, name in zip(studies, names, strict=True):
            if names.count(name) > 1:
                told += 1
                line = page.html[page.html.index(f'id="study-{study["id"]}"') :][:1500]
                assert study["title"].rstrip(".") in Seen(line).text
    assert told >= 4


def row_of(page: Seen, start: str) -> str:
    """The row of a table that begins with `start`, as text."""
    rows = (" ".join(Seen(row).text.split()) for row in page.html.split("<tr")[1:])
    return next(
        row.partition(">")[2].strip() for row in rows if row.partition(">")[2].strip().startswith(start)
    )


def test_a_number_in_the_findings_stands_with_the_outcome_that_it_belongs_to(
    every_page: dict[str, Seen],
) -> None:
    # The days in treatment did not differ; the P value of another outcome says nothing of them.
    retention = row_of(every_page["/conditions/opioid-use-disorder"], "Discontinuation and retention")
    assert retention.endswith("No difference shown no number was seen")
    quality = row_of(every_page["/conditions/multiple-sclerosis"], "Quality of life")
    assert "no number was seen; another outcome: ▲ Favours naltrexone improvement in points" in quality
    # Of two trials without an interval the larger speaks.
    assert "Moloney et al. 2026" in row_of(every_page["/conditions/major-depressive-disorder"], "Mood and")


def test_what_two_arms_showed_stands_where_no_effect_is_printed(every_page: dict[str, Seen]) -> None:
    for condition, text in (
        ("crohns-disease", "fall of at least 70 points in the CDAI: 88% against 40%, P = 0.009"),
        ("fibromyalgia", "at the end of each condition: 28.8% against 18.0%, P = 0.016"),
        ("major-depressive-disorder", "fall of the MADRS from baseline: mean 10.5 against 9.8 points of reduction"),
        ("major-depressive-disorder", "0 of 12 against 7 of 12"),
        ("obesity", "weight lost: mean change 4.00 against 0.96 kg"),
        # Three arms are not one against another, and a change within a group is no comparison.
        ("opioid-use-disorder", "primary: days retained in the randomised treatment ■"),
        ("irritable-bowel-syndrome", "– No comparison primary: pain-free days per week: P = 0.011 within the group"),
    ):  # fmt: skip
        assert text in " ".join(every_page[f"/conditions/{condition}"].text.split())


def test_differences_stand_with_their_unit(every_page: dict[str, Seen]) -> None:
    for path, text in (
        ("/conditions/fibromyalgia", "mean difference 0.03 points (95% CI"),
        ("/conditions/fibromyalgia", "MD 0.03 points, 95% CI −5.21 to 5.27"),
        ("/conditions/fibromyalgia", "less than the 2 points that matter to a patient"),
        ("/conditions/opioid-use-disorder", "length of the infant's stay: MD −7.8 days, 95% CI"),
        ("/studies/cor-i-greenway-2010", "56 weeks · in kg · higher is better"),
        ("/method", "2,000 participants"),
    ):
        assert text in " ".join(every_page[path].text.split())


def test_adverse_events_at_another_dose_say_so(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    rows = connection.execute(
        """SELECT DISTINCT study_conditions.condition_id, adverse_events.study_id, adverse_events.term, arms.dose_class
        FROM adverse_events JOIN arms ON arms.id = adverse_events.arm_id AND arms.role = 'intervention'
        JOIN study_conditions ON study_conditions.study_id = adverse_events.study_id
        WHERE arms.dose_class IS NOT NULL"""
    ).fetchall()
    words = Words(Reader(connection))
    assert {dose_class for *_, dose_class in rows} > {"low"}
    for condition, study, term, dose_class in rows:
        page = every_page[f"/conditions/{condition}"].html
        table = page[page.index('<h2 id="safety">') : page.index('<h2 id="tier">')]
        row = next(
            row for row in table.split("<tr>") if f'scope="row">{term}<' in row and f"/studies/{study}" in row
        )
        assert (f"({words.label('dose-classes', dose_class).lower()})" in row) == (dose_class != "low")


def test_a_share_of_an_unknown_number_says_so(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    conditions = connection.execute(
        """SELECT DISTINCT study_conditions.condition_id FROM adverse_events
        JOIN study_conditions ON study_conditions.study_id = adverse_events.study_id
        WHERE adverse_events.percent IS NOT NULL AND adverse_events.total IS NULL"""
    ).fetchall()
    assert ("fibromyalgia",) in conditions
    for path, page in every_page.items():
        if match := re.fullmatch("/conditions/([^/]+)", path):
            assert ("it was not told of how many people it is" in page.text) == ((match[1],) in conditions)


def test_a_trial_of_unknown_size_is_not_left_out_of_the_people(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    rows = connection.execute(
        """SELECT condition_id, randomized_trials, randomized_participants, randomized_trials_of_unknown_size
        FROM condition_appraisals WHERE randomized_trials_of_unknown_size > 0"""
    ).fetchall()
    assert rows
    front = " ".join(every_page["/"].text.split())
    for condition, trials, people, unknown in rows:
        assert f"{trials} randomised trials ({unknown} of unknown size), {people} people" in front
        text = " ".join(every_page[f"/conditions/{condition}"].text.split())
        assert f"{people} without {unknown} trial of unknown size" in text
        listed = every_page["/conditions"].html
        assert f"{people}<span" in listed[listed.index(f"/conditions/{condition}") :][:1000]


def test_reasons_are_plain_english(every_page: dict[str, Seen], connection: sqlite3.Connection) -> None:
    reasons = dict(connection.execute("SELECT condition_id, reason FROM condition_appraisals").fetchall())
    assert (
        "Two studies without randomisation (55 participants), both of which"
        in reasons["irritable-bowel-syndrome"]
    )
    assert "found no difference from another dose, which tells" in reasons["opioid-use-disorder"]
    # What is said of the trial follows on the trial.
    assert "in function. The trial took people with one or another of" in reasons["chronic-pain"]
    for reason in reasons.values():
        assert not re.search(r"\b[Tt]wo studies [^.;]*, (all|none) of which", reason)
        assert "one at an ultra-low dose, below" not in reason
    # One trial more is the other one, not the others.
    assert "1 of them counts; the other does not" in every_page["/conditions/irritable-bowel-syndrome"].text
    for path, page in every_page.items():
        assert "open-label trial, open-label" not in page.text, path


def test_our_own_estimate_is_called_the_same_wherever_a_page_shows_it(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    words = Words(Reader(connection))
    pools = connection.execute("SELECT condition_id, reading FROM meta_analyses").fetchall()
    assert ("fibromyalgia", "inconclusive") in pools
    for condition, code in pools:
        page = every_page[f"/conditions/{condition}"].html
        assert f"pooled, 2 trials: {reading(code)}" in page or len(pools) > 1
        own = page[page.index(">This base</th>") :]
        told = Seen(own[: own.index("</tr>")]).text
        assert told.endswith(words.label("outcome-directions", code))
        assert words.label("outcome-directions", code).lower() == reading(code)
    disagree = every_page["/conditions/fibromyalgia/tier"].text
    assert "pooled here from 2 trials, MD 0.03 (−5.21 to 5.27) is inconclusive." in disagree


def test_the_front_page_counts_trials_and_not_papers_as_the_list_does(
    every_page: dict[str, Seen], site: Site, connection: sqlite3.Connection
) -> None:
    told = re.search(r"Randomised, low dose</dt><dd><a [^>]*>(\d+)<", every_page["/"].html)
    listed = html(site.answer(connection, "/studies", {"kind": "randomised", "dose": "low"}))
    found = re.search(r'<p class="lead">(\d+) of', listed)
    assert told
    assert found
    assert told[1] == found[1]
    assert 'href="/studies/bruun-2024"' in listed
    assert 'href="/studies/nielsen-2026"' not in listed  # a further paper on that trial


def test_the_front_page_counts_conditions_as_the_list_to_which_it_leads(
    site: Site, every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    front = every_page["/"].html
    link = re.search(r'href="/conditions\?tier=limited">All (\d+) conditions and (\d+) groups<', front)
    assert link
    listed = Seen(html(site.answer(connection, "/conditions", {"tier": "limited"}))).text
    assert f"{int(link[1]) + int(link[2])} of " in listed
    assert f"conditions, {link[2]} of them groups." in listed


def test_a_trial_that_never_began_is_not_called_silent(every_page: dict[str, Seen]) -> None:
    text = every_page["/conditions/fibromyalgia"].text
    assert re.search(r"NCT00855972\s+Withdrawn\s", text)


def test_a_dose_names_its_setting_once(every_page: dict[str, Seen]) -> None:
    text = every_page["/dosing"].text
    assert "FINAL trial (up to 6 mg" in text
    assert "as in value" not in text


def test_the_changelog_is_shown_as_text(changeable: Path, project_root: Path, site: Site) -> None:
    text = (project_root / "CHANGELOG.md").read_text("utf-8")
    with closing(sqlite3.connect(changeable)) as writing, writing:
        writing.execute(
            "INSERT OR REPLACE INTO generated_text (id, title, text) VALUES ('changes', 'Changes', ?)", [text]
        )
    with closing(open_database(changeable)) as reading:
        page = Seen(html(site.answer(reading, "/about")))
    assert "The first version." in page.text
    assert "<h4>Added</h4>" in page.html
    assert not re.search(r"\*\*|`|^#", page.text, re.MULTILINE)


def test_a_condition_that_was_not_studied_says_at_once_what_was_looked_for(
    every_page: dict[str, Seen],
) -> None:
    page = every_page["/conditions/alopecia-areata"].html
    answer = page[page.index('<section class="answer') : page.index("</section>")]
    assert "No trial, series or case of it was found" in answer
    assert "There is no lower tier" not in page


def test_no_text_shows_the_id_of_a_study_or_a_code(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    ids = {
        identifier
        for (identifier,) in connection.execute(
            "SELECT id FROM studies UNION SELECT id FROM pharmacology"
        ).fetchall()
        if identifier.count("-") > 1
    }
    assert len(ids) > 100
    for path, page in every_page.items():
        if path.split("/")[1] in ("conditions", "studies", "mechanisms", "claims", "questions"):
            shown = re.sub(r"<script.*?</script>|<[^>]*>", " ", page.html, flags=re.DOTALL)
            words = set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)+", shown))
            assert words & ids == set(), path
            assert not re.search(r"within mid|possibly trivial", page.text.lower()), path


def test_studies_of_other_doses_stand_in_a_block_of_their_own(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    listed = connection.execute(
        """
        SELECT study_conditions.condition_id, studies.id FROM studies
        JOIN study_conditions ON study_conditions.study_id = studies.id
        JOIN vocabulary_terms ON vocabulary_id = 'designs' AND term = design
            AND human = 1 AND evidence_kind IN ('trial', 'observational', 'case')
        WHERE EXISTS (SELECT 1 FROM arms WHERE study_id = studies.id AND role = 'intervention')
            AND NOT EXISTS (SELECT 1 FROM arms WHERE study_id = studies.id AND role = 'intervention' AND dose_class = 'low')
        """
    ).fetchall()
    assert len(listed) > 20
    for condition, study in listed:
        page = every_page[f"/conditions/{condition}"].html
        block = page[page.index('class="block block-other-dose"') :]
        assert "lend no strength" in block[:600]
        assert f'id="study-{study}"' in block


def test_every_record_that_counts_for_nothing_says_so(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    unread = connection.execute("SELECT id FROM studies WHERE verification_depth = 'unverified'").fetchall()
    for (identifier,) in unread:
        assert "counts for nothing" in every_page[f"/studies/{identifier}"].html
    for (identifier,) in connection.execute(
        "SELECT id FROM studies WHERE retraction_status = 'retracted'"
    ).fetchall():
        assert "Retracted" in every_page[f"/studies/{identifier}"].html


_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


def numbers_in(value: Any) -> Iterator[str]:
    """Every number of a record, as it is written there, without its sign."""
    if isinstance(value, dict):
        for one in value.values():
            yield from numbers_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from numbers_in(one)
    elif _NUMBER.fullmatch(text := value.removeprefix("-")):
        yield text


def test_the_page_of_a_study_shows_every_number_of_its_record_as_printed(
    every_page: dict[str, Seen], project_root: Path
) -> None:
    missing = []
    seen = 0
    for file in sorted((project_root / "data" / "studies").glob("*.yml")):
        # Numbers of neighbouring cells are two.
        text = re.sub(r"<[^>]*>", " ", every_page[f"/studies/{file.stem}"].html.partition("<main")[2])
        shown = {number.replace(",", "") for number in _NUMBER.findall(text)}
        for number in numbers_in(parse(file.read_bytes(), file.name)):
            seen += 1
            if number not in shown:
                missing.append((file.stem, number))
    assert missing == []
    assert seen > 3_000


def test_what_is_printed_in_place_of_a_number_stands_with_its_outcome(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    rows = connection.execute(
        "SELECT study_id, effect_label FROM outcomes WHERE effect_value IS NULL AND effect_label IS NOT NULL"
    ).fetchall()
    assert [row for row in rows if minus(row[1]) not in every_page[f"/studies/{row[0]}"].text] == []
    assert len(rows) > 100


def test_counts_of_an_adverse_effect_have_no_column_in_which_nothing_stands(
    every_page: dict[str, Seen],
) -> None:
    tables = re.findall(r"<table><caption[^>]*>Counts of .*?</table>", every_page["/safety"].html, re.DOTALL)
    assert len(tables) > 10
    for table in tables:
        rows = [re.findall(r"<t[hd][ >].*?</t[hd]>", row, re.DOTALL) for row in table.split("<tr>")[2:]]
        filled = [
            any(re.sub(r"<[^>]*>", "", cell).strip() for cell in cells) for cells in zip(*rows, strict=True)
        ]
        head = table.split("<tr>")[1].count("<th ")
        assert len(filled) == head
        assert all(filled[3:-1]), table


def test_comparisons_of_adverse_effects_are_shown_as_printed(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    forms = connection.execute(
        "SELECT printed FROM adverse_effect_frequencies WHERE printed IS NOT NULL"
    ).fetchall()
    printed = {form for (row,) in forms for form in json.loads(row).values()}
    assert printed
    assert printed <= set(_NUMBER.findall(every_page["/safety"].text))


def test_numbers_that_cannot_all_be_right_stand_with_their_outcome(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    rows = connection.execute(
        "SELECT kind, study_id, outcome_id FROM contradictions WHERE outcome_id IS NOT NULL AND condition_id IS NULL"
    ).fetchall()
    assert {"p_against_interval", "value_against_interval", "printed_against_computed"} <= {
        row[0] for row in rows
    }
    for _, study, outcome in rows:
        page = every_page[f"/studies/{study}"]
        conflicts = page.html.partition("Where it disagrees")[2]
        assert f'href="#outcome-{outcome}"' in conflicts, outcome
        assert "ci_low" not in page.text


def test_a_correction_is_linked_from_its_study(every_page: dict[str, Seen]) -> None:
    links = {link["href"] for link in every_page["/studies/albers-2017"].all("a")}
    assert {
        "https://pubmed.ncbi.nlm.nih.gov/28877290/",
        "https://doi.org/10.1001/jamadermatol.2017.3904",
    } <= links


def test_claims_stand_with_their_verdict_and_their_evidence(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    page = every_page["/claims"].html
    claims = connection.execute("SELECT id, verdict FROM claims").fetchall()
    assert len(claims) > 50
    for identifier, verdict in claims:
        entry = page[page.index(f'<li id="{identifier}">') :][:400]
        assert f"verdict-{verdict}" in entry
    verdicts = re.findall(r'<span class="badge verdict-(\w+)">', page)
    assert verdicts == sorted(
        verdicts, key=["contradicted", "not_shown", "partly_supported", "opinion", "supported"].index
    )


def test_a_claim_has_a_page_with_its_verdict_and_every_record_for_and_against(
    every_page: dict[str, Seen], connection: sqlite3.Connection
) -> None:
    for identifier, statement, label, explanation in connection.execute(
        """
        SELECT claims.id, statement, label, explanation FROM claims
        JOIN vocabulary_terms ON vocabulary_id = 'verdicts' AND term = verdict
        """
    ).fetchall():
        page = every_page[f"/claims/{identifier}"]
        text = " ".join(page.text.split())
        assert minus(statement) in text
        assert minus(explanation) in text
        assert f"{label}: “" in text  # in the title
        for study, retracted in connection.execute(
            """
            SELECT studies.id, retraction_status = 'retracted' FROM claim_evidence
            JOIN studies ON studies.id = study_id WHERE claim_id = ?
            """,
            (identifier,),
        ).fetchall():
            assert f'href="/studies/{study}"' in page.html
            assert not retracted or "Retracted" in text


def test_a_statement_that_was_found_by_searching_stands_with_its_verdict(
    site: Site, connection: sqlite3.Connection
) -> None:
    page = html(site.answer(connection, "/search", {"q": "naltrexone treats autism"}))
    assert re.search(
        r'verdict-contradicted">.{0,80}Contradicted</span> <a href="/claims/[^"]+">“Naltrexone treats autism',
        page,
        re.DOTALL,
    )


def test_the_method_shows_the_rule_as_stored_and_a_worked_example(
    every_page: dict[str, Seen], project_root: Path
) -> None:
    page = every_page["/method"].text
    rule = (project_root / "schema" / "tiers.yml").read_text("utf-8")
    assert rule.strip() in page
    assert "Worked example" in page
    assert "GRADE" in page
    assert "Oxford" in page


def test_why_a_comparison_was_not_pooled_names_outcomes_as_people_do(
    site: Site, connection: sqlite3.Connection
) -> None:
    page = html(site.answer(connection, "/conditions/fibromyalgia/tier"))
    assert "enters once, with Bruun et al. 2024, participants with more than 30% less pain" in page
    assert not re.search(r"enters once, with [^<]* 20\d\d: ", page)


# --- filters, search, redirects --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/conditions", "/claims", "/studies"])
def test_each_filter_leads_to_as_many_rows_as_it_says(
    site: Site, connection: sqlite3.Connection, path: str
) -> None:
    page = html(site.answer(connection, path))
    filters = re.findall(rf'<li><a href="({path}\?[^"]+)">([^<]*)<span class="n">(\d+)</span>', page)
    assert len(filters) > 8
    for address, label, number in filters:
        query = dict(parse_qsl(urlsplit(address.replace("&amp;", "&")).query))
        lead = re.search(r'<p class="lead">\s*(\d+)', html(site.answer(connection, path, query)))
        assert lead, address
        assert int(lead[1]) == int(number), label


def test_filters_combine_and_can_be_lifted(site: Site, connection: sqlite3.Connection) -> None:
    both = html(site.answer(connection, "/conditions", {"tier": "limited", "direction": "no_benefit"}))
    assert 'href="/conditions?tier=limited" aria-current="true"' in both
    expected = connection.execute(
        "SELECT count(*) FROM conditions WHERE evidence_tier = 'limited' AND direction = 'no_benefit'"
    ).fetchone()[0]
    assert both.count('role="rowheader"') == expected


@pytest.mark.parametrize("value", ["nonsense", "'; drop table conditions --", "<script>", "x" * 5000])
def test_a_filter_that_does_not_exist_filters_nothing(
    site: Site, connection: sqlite3.Connection, value: str
) -> None:
    answer = site.answer(connection, "/conditions", {"tier": value, "sort": value})
    assert answer.status == 200
    assert (
        html(answer).count('role="rowheader"')
        == connection.execute("SELECT count(*) FROM conditions").fetchone()[0]
    )


def test_the_catalogue_sorts(site: Site, connection: sqlite3.Connection) -> None:
    def names(order: str) -> list[str]:
        page = html(site.answer(connection, "/conditions", {"sort": order}))
        return re.findall(r'role="rowheader" scope="row"><a href="[^"]+">([^<]+)</a>', page)

    by_name = names("name")
    assert by_name == sorted(by_name, key=str.casefold)
    assert set(names("people")) == set(by_name)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("fibromyalgia", "/conditions/fibromyalgia"),
        ("fibromialgia", "/conditions/fibromyalgia"),
        ("chrons disease", "/conditions/crohns-disease"),
        ("multiple sclorosis", "/conditions/multiple-sclerosis"),
        ("fybromyalgia syndrom", "/conditions/fibromyalgia"),
    ],
)
def test_search_forgives_slips_in_names_of_conditions(
    site: Site, connection: sqlite3.Connection, typed: str, expected: str
) -> None:
    page = html(site.answer(connection, "/search", {"q": typed}))
    links = re.findall(r'<li><a href="(/[^"]+)"', page[page.index("<main") :])
    assert expected in links[:2]


@pytest.mark.parametrize(
    ("typed", "first"),
    [("chronic pain", "chronic-pain"), ("MS", "multiple-sclerosis"), ("pain", "postoperative-pain")],
)
def test_search_puts_the_condition_of_that_name_first(
    site: Site, connection: sqlite3.Connection, typed: str, first: str
) -> None:
    page = html(site.answer(connection, "/search", {"q": typed}))
    links = re.findall(r'<li><a href="([^"]+)"', page[page.index('id="hits-conditions"') :])
    assert links[0] == f"/conditions/{first}"


def test_search_groups_by_kind_and_marks_what_matched(site: Site, connection: sqlite3.Connection) -> None:
    page = html(site.answer(connection, "/search", {"q": "microglia"}))
    assert 'id="hits-mechanisms"' in page
    assert 'id="hits-studies"' in page
    assert "<mark>" in page


@pytest.mark.parametrize(
    ("typed", "other"), [("IBS", "Ibrahim"), ("ibs", "ibuprofen"), ("POTS", "potential")]
)
def test_an_abbreviation_is_not_taken_for_a_beginning(
    site: Site, connection: sqlite3.Connection, typed: str, other: str
) -> None:
    found = Seen(html(site.answer(connection, "/search", {"q": typed}))).text
    assert typed.upper() in found
    assert other not in found


@pytest.mark.parametrize(
    "text",
    ['"', "'", "AND", "NEAR(", "a*b", "(", "💊", "\x00", "%", "-", "<b>x</b>", "x " * 400, "\ue000x\ue001"],
)
def test_odd_search_input_is_answered(datasette: Datasette, text: str) -> None:
    response = fetch(datasette, "/search", params={"q": text})
    assert response.status_code == 200
    assert "<b>x</b>" not in response.text


def test_a_missing_page_offers_what_comes_close(site: Site, connection: sqlite3.Connection) -> None:
    answer = site.answer(connection, "/conditions/fibromyalgai")
    assert answer.status == 404
    assert 'href="/conditions/fibromyalgia"' in html(answer)
    assert 'href="/studies/bruun-2024"' in html(site.answer(connection, "/studies/bruun2024"))
    assert WARNING in html(answer)


@pytest.fixture
def changeable(built_database: Path, tmp_path: Path) -> Path:
    """A copy of the database that a test may write to."""
    copy = tmp_path / "ldn.db"
    shutil.copy(built_database, copy)
    return copy


def test_retired_ids_redirect_and_withdrawn_ones_say_why(changeable: Path, site: Site) -> None:
    with closing(sqlite3.connect(changeable)) as writer:
        writer.execute(
            "INSERT INTO retired VALUES ('conditions', 'old-name', 'fibromyalgia', '2026-01-01', 'Renamed.')"
        )
        writer.execute(
            "INSERT INTO retired VALUES ('studies', 'never-was', NULL, '2026-01-02', 'It never existed.')"
        )
        writer.commit()
    with closing(open_database(changeable)) as connection:
        moved = site.answer(connection, "/conditions/old-name")
        gone = site.answer(connection, "/studies/never-was")
    assert (moved.status, moved.headers["location"]) == (308, "/conditions/fibromyalgia")
    assert gone.status == 410
    assert "It never existed." in html(gone)
    assert "2 January 2026" in html(gone)


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(2)</script>",
    "{{ 7 * 7 }} {% raw %}",
    "]]> --> <!-- &lt; &amp;",
    "\u202etxet esrever\u202c \u200f\u200e",
    "javascript:alert(1)",
    "x" * 10_000,
)


@pytest.mark.parametrize(
    "text", HOSTILE, ids=["tag", "quote", "end", "template", "comment", "direction", "url", "long"]
)
def test_hostile_text_in_records_is_shown_as_text(changeable: Path, site: Site, text: str) -> None:
    with closing(sqlite3.connect(changeable)) as writer:
        writer.execute("PRAGMA foreign_keys = 0")
        for (table, key, identifiers), columns in {
            ("conditions", "id", "fibromyalgia"): (
                "name",
                "summary",
                "not_studied_note",
                "mechanism_summary",
            ),
            ("condition_appraisals", "condition_id", "fibromyalgia"): ("reason",),
            ("condition_names", "condition_id", "fibromyalgia"): ("name",),
            ("condition_points", "condition_id", "fibromyalgia"): ("statement",),
            ("studies", "id", "bruun-2024"): (
                "title",
                "conclusion",
                "journal",
                "population",
                "funding",
                "doi",
                "pmid",
            ),
            ("outcomes", "study_id", "bruun-2024"): ("name", "note", "effect_p", "timepoint"),
            ("arms", "study_id", "bruun-2024"): ("label", "dose_note"),
            ("claims", "source_id", "doctors-guide"): ("statement", "explanation", "locator", "circulation"),
            ("sources", "id", "doctors-guide"): ("title", "summary", "url", "publisher"),
            ("mechanisms", "id", "tlr4-microglia"): ("name", "statement", "dispute", "effect"),
            ("mechanism_targets", "mechanism_id", "tlr4-microglia"): ("name", "symbol"),
            ("questions", "id", "before-surgery"): ("question", "short_answer"),
            ("trials", "status", "recruiting"): ("title", "registry_number", "sponsor", "note"),
            ("adverse_effects", "id", "vivid-dreams"): ("name", "summary"),
            ("interactions", "severity", "major"): ("name", "effect"),
            ("dosing", "topic", "titration"): ("name", "statement"),
        }.items():
            assignments = ", ".join(f"{column} = :text" for column in columns)
            changed = writer.execute(
                f"UPDATE {table} SET {assignments} WHERE {key} = :key", {"text": text, "key": identifiers}
            )
            assert changed.rowcount > 0, table
        writer.execute(
            "UPDATE studies SET authors = json_array(:text, 'Second A') WHERE id = 'bruun-2024'",
            {"text": text},
        )
        writer.execute(
            "UPDATE search_content SET c2 = :text, c4 = :text WHERE c1 = 'fibromyalgia'", {"text": text}
        )
        writer.commit()
    with closing(open_database(changeable)) as connection:
        for path in KINDS:
            answer = site.answer(connection, path, {"q": text, "tier": text})
            assert answer.status == 200, path
            page = html(answer)
            seen = Seen(page)
            assert all(tag["type"] == "application/ld+json" for tag in seen.all("script")), path
            assert not [name for _, tag in seen.elements for name in tag if name.startswith("on")], path
            assert all(image["src"].startswith("/assets/") for image in seen.all("img")), path
            for link in seen.all("a"):
                assert not link["href"].lower().startswith("javascript"), path
            for block in re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL):
                json.loads(block)
            assert "49" not in re.findall(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)[0] or "7 * 7" in page


# --- behind Datasette ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", KINDS)
def test_pages_are_served_with_the_strict_policy(datasette: Datasette, path: str) -> None:
    response = fetch(datasette, path)
    assert response.status_code == 200
    assert response.headers["content-security-policy"] == OWN_POLICY
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_the_front_page_is_ours_and_datasettes_own_stays_reachable(datasette: Datasette) -> None:
    assert "Conditions by tier" in fetch(datasette, "/").text
    assert fetch(datasette, "/-/").status_code == 200
    assert "Conditions by tier" not in fetch(datasette, "/-/").text
    assert fetch(datasette, "/ldn").status_code == 200
    assert fetch(datasette, "/ldn/conditions/fibromyalgia").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/-/",
        "/ldn",
        "/ldn/studies",
        "/ldn/null_trials",
        "/ldn/conditions/fibromyalgia",
        "/ldn/studies_of_condition?condition_id=fibromyalgia",
        "/ldn?sql=select+no_such_column",
    ],
)
def test_datasettes_own_pages_open_with_the_warning_in_our_colours(datasette: Datasette, path: str) -> None:
    response = fetch(datasette, path, follow_redirects=True)
    body = response.text[response.text.index("<body") :]
    assert body.index(WARNING) < body.index("<h1")
    assert NOT_ADVICE in body
    sheet = re.search(r'href="(/assets/datasette\.[0-9a-f]{12}\.css)"', response.text)
    assert sheet
    assert fetch(datasette, sheet[1]).status_code == 200


def test_a_page_seen_before_is_answered_with_304(datasette: Datasette) -> None:
    first = fetch(datasette, "/conditions/fibromyalgia")
    again = fetch(datasette, "/conditions/fibromyalgia", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["content-security-policy"] == OWN_POLICY
    other = fetch(datasette, "/conditions", headers={"if-none-match": first.headers["etag"]})
    assert other.status_code == 200


def test_pages_are_compressed_for_those_who_can_read_it(datasette: Datasette) -> None:
    plain = fetch(datasette, "/conditions/fibromyalgia", headers={"accept-encoding": "identity"})
    small = fetch(datasette, "/conditions/fibromyalgia", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert small.content == plain.content
    assert plain.headers["etag"] != small.headers["etag"]
    assert len(gzip.compress(plain.content)) < len(plain.content) / 3


def test_pages_are_read_only(datasette: Datasette) -> None:
    assert fetch(datasette, "/conditions", "HEAD").status_code == 200
    assert fetch(datasette, "/conditions", "PUT").status_code == 405


def test_parameters_that_nobody_knows_do_not_make_new_pages(datasette: Datasette) -> None:
    one = fetch(datasette, "/conditions?tier=limited")
    two = fetch(datasette, "/conditions?utm_source=x&tier=limited&fbclid=y")
    assert one.headers["etag"] == two.headers["etag"]


def test_missing_pages_look_like_ours_and_missing_data_like_datasettes(datasette: Datasette) -> None:
    for path in ("/conditions/fibromyalgai", "/nothing-here", "/ldn/no-such-table", "/studies/x/y"):
        response = fetch(datasette, path)
        assert response.status_code == 404, path
        assert "There is no such page" in response.text, path
        assert WARNING in response.text
    response = fetch(datasette, "/nothing-here.json")
    assert response.status_code == 404
    assert response.json()["ok"] is False


def test_a_host_that_was_made_up_is_not_repeated(datasette: Datasette) -> None:
    response = fetch(datasette, "/conditions", headers={"host": 'evil"><script>'})
    assert "evil" not in response.text


def test_the_stylesheet_may_be_kept_for_good(datasette: Datasette) -> None:
    page = fetch(datasette, "/").text
    for address in re.findall(r'"(/assets/[^"]+)"', page):
        response = fetch(datasette, address)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
    assert fetch(datasette, "/assets/style.000000000000.css").status_code == 404
    assert fetch(datasette, "/assets/..%2f..%2fmacros.html").status_code == 404


def test_the_sitemap_lists_every_record(datasette: Datasette, connection: sqlite3.Connection) -> None:
    response = fetch(datasette, "/sitemap.xml")
    assert response.headers["content-type"].startswith("application/xml")
    addresses = re.findall(r"<loc>([^<]+)</loc>", response.text)
    conditions, studies = connection.execute(
        "SELECT (SELECT count(*) FROM conditions), (SELECT count(*) FROM studies)"
    ).fetchone()
    of_conditions = [address for address in addresses if "/conditions/" in address]
    assert sum(address.endswith("/tier") for address in of_conditions) == conditions
    assert len(of_conditions) == 2 * conditions
    assert sum("/studies/" in address for address in addresses) == studies
    assert len(addresses) == len(set(addresses))


def test_below_a_base_address_every_link_keeps_it(built_database: Path) -> None:
    below = served(built_database, settings={"base_url": "/ldn-evidence/"})
    response = fetch(below, "/ldn-evidence/conditions/fibromyalgia")
    if response.status_code == 404:  # httpx client of Datasette adds the base itself
        response = fetch(below, "/conditions/fibromyalgia")
    assert response.status_code == 200
    seen = Seen(response.text)
    for link in seen.all("a"):
        if link["href"].startswith("/"):
            assert link["href"].startswith("/ldn-evidence/"), link["href"]


def test_datasette_with_another_database_keeps_its_own_front_page(tmp_path: Path) -> None:
    other = tmp_path / "ldn.db"
    with closing(sqlite3.connect(other)) as writer:
        writer.execute("CREATE TABLE things (id INTEGER PRIMARY KEY)")
        writer.commit()
    datasette = served(other)
    response = fetch(datasette, "/")
    assert response.status_code == 200
    assert "What is known" not in response.text
    assert fetch(datasette, "/conditions").status_code == 404


# --- queries and speed -----------------------------------------------------------------------------------------


def test_every_query_is_one_that_the_database_can_answer(connection: sqlite3.Connection) -> None:
    assert len(QUERIES) > 60
    for name, sql in QUERIES.items():
        parameters = dict.fromkeys(re.findall(r":([a-z]+)", sql))
        connection.execute(f"EXPLAIN {sql}", parameters).fetchall()
        assert name.islower()


def test_no_query_takes_long_and_a_condition_page_is_quick(
    site: Site, connection: sqlite3.Connection
) -> None:
    """By steps of SQLite and calls of functions, which are the same on every machine; seconds are for `bench`."""
    reader = Reader(connection)

    def steps(work: Callable[[], object]) -> int:
        """Thousands of steps of SQLite's machine."""
        seen = 0

        def count() -> int:
            nonlocal seen
            seen += 1
            return 0

        connection.set_progress_handler(count, 1000)
        try:
            work()
        finally:
            connection.set_progress_handler(None, 0)
        return seen

    of_a_condition = (
        "condition",
        "condition_studies",
        "condition_outcomes",
        "tier_trace",
        "meta_analysis_inputs",
    )
    of_lists = ("catalogue", "studies", "evidence_map", "claims", "trials", "doses_tried")
    took = {name: steps(partial(reader.rows, name, id="fibromyalgia")) for name in of_a_condition} | {
        name: steps(partial(reader.rows, name)) for name in of_lists
    }
    assert {name: thousands for name, thousands in took.items() if thousands > 400} == {}
    page = partial(site.answer, connection, "/conditions/fibromyalgia")
    page()  # what is made once for all pages is made now
    assert steps(page) < 200
    with counted_calls() as calls:
        page()
    assert 10_000 < len(calls) < 130_000  # at most twice what it takes


# --- small parts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (-0.34, "−0.34"),
        (0.004, "0.004"),
        (12.34, "12.3"),
        (-123.4, "−123"),
        (1234.5, "1,234"),
        (None, ""),
    ],
)
def test_computed_numbers_are_shown_without_false_precision(value: float | None, text: str) -> None:
    assert estimate(value) == text


def test_stored_numbers_keep_their_digits() -> None:
    assert [stored(value) for value in (4.5, 6.0, -0.95, 1000)] == ["4.5", "6", "−0.95", "1,000"]


def test_one_person_is_no_people() -> None:
    assert [counted(value, "person", "people") for value in (1, 31, 2500, None)] == [
        "1 person",
        "31 people",
        "2,500 people",
        "? people",
    ]


def test_p_values_are_shown_as_printed() -> None:
    assert [p_value(text) for text in ("0.27", "<0.001", ".05", None)] == [
        "P\u00a0=\u00a00.27",
        "P\u00a0<\u00a00.001",
        "P\u00a0=\u00a0.05",
        "",
    ]
    assert p_value("<=0.001") == "P\u00a0≤\u00a00.001"


def test_days_in_a_text_are_words_and_numbers_in_registers_stay() -> None:
    assert minus("Searched on 2026-11-21, see EudraCT 2019-000852-32.") == (
        "Searched on 21 November 2026, see EudraCT 2019-000852-32."
    )
    assert minus("10.1000/2020-01-01, 2026-13-41") == "10.1000/2020-01-01, 2026-13-41"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(1.0, 4.5, "1–4.5"), (None, 4.5, "up to 4.5"), (2.0, None, "from 2"), (3.0, 3.0, "3"), (None, None, "")],
)
def test_a_dose_of_which_one_end_is_known_says_so(low: float | None, high: float | None, text: str) -> None:
    assert span(low, high) == text


def test_a_dose_is_shown_as_printed() -> None:
    assert span(1.5, 3.0, '{"high": "3.0"}', ("low", "high")) == "1.5–3.0"


def test_text_gets_the_signs_of_print() -> None:
    assert minus("-0.34 of 10, 1.5-6 mg, P <=0.05, COVID-19, IL-1-6, 10.1002/x-1-2, 2013-004, 3-4-5") == (
        "−0.34 of 10, 1.5–6 mg, P ≤0.05, COVID-19, IL-1-6, 10.1002/x-1-2, 2013-004, 3-4-5"
    )


@pytest.mark.parametrize(
    ("study", "text"),
    [
        ({"authors": '["Bruun KD", "Other A"]', "year": 2024}, "Bruun et al. 2024"),
        ({"authors": '["Younger J (contact)"]', "year": 2025}, "Younger 2025"),
        ({"authors": '["Griffith University (sponsor)"]', "year": None}, "Griffith University (undated)"),
        ({"authors": None, "cited_number": "NCT00855972", "cited_title": "A trial", "year": None}, "NCT00855972"),
        (
            {"authors": None, "cited_title": "Duration of human mu opiate receptor blockade following naltrexone",
             "year": 2005},
            "“Duration of human mu opiate receptor blockade…” 2005",
        ),
        ({"authors": None, "id": "x", "title": "Error in Affiliation.", "year": 2017}, "“Error in Affiliation” 2017"),
    ],
)  # fmt: skip
def test_a_study_is_cited_by_what_a_reader_can_look_up(study: dict[str, Any], text: str) -> None:
    assert short_citation(study) == text


def test_no_link_to_a_study_shows_its_id(every_page: dict[str, Seen]) -> None:
    for path, page in every_page.items():
        for identifier, shown in re.findall(r'<a [^>]*href="/studies/([^"?#]+)"[^>]*>([^<]*)<', page.html):
            assert shown.strip() != identifier, path


def test_sentences_end_before_capitals_only() -> None:
    assert sentences("MD 0.3 (0.1 to 0.5). Two trials, e.g. one. Next") == [
        "MD 0.3 (0.1 to 0.5).",
        "Two trials, e.g. one.",
        "Next",
    ]


def test_score_interval_agrees_with_newcombe() -> None:
    # Newcombe 1998, table I: 81 of 263, 0.2553 to 0.3662; 0 of 20, 0.0000 to 0.1611.
    assert score_interval(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert score_interval(0.0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


def test_labels_keep_their_distance_and_their_order() -> None:
    assert spread([10, 11, 50], 15) == pytest.approx([3, 18, 50])
    places = spread([0, 0, 0, 0], 10)
    assert places == pytest.approx([-15, -5, 5, 15])


def test_a_filter_chosen_on_a_later_page_begins_at_the_first(
    site: Site, connection: sqlite3.Connection
) -> None:
    page = Seen(html(site.answer(connection, "/studies", {"page": "2"})))
    filters = [link["href"] for link in page.all("a") if re.search(r"[?&]kind=", link.get("href", ""))]
    assert len(filters) >= 3
    assert [address for address in filters if "page=" in address] == []
