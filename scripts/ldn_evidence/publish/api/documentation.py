"""The documentation page of the API, written from the OpenAPI document: no script, no request to another site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from ldn_evidence.publish.api.catalogue import API_VERSION, Catalogue
from ldn_evidence.publish.api.problems import TITLES
from ldn_evidence.publish.api.resources import API_ROOT

STYLE = """\
:root { color-scheme: light dark; }
body { font: 1rem/1.55 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem 1.25rem 4rem; }
h1, h2, h3 { line-height: 1.25; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #8886; }
h3 { margin-top: 2rem; }
code, pre { font: .9em/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .75rem 1rem; background: #8882; border-radius: .3rem; }
.notice { border: 2px solid #b3261e; border-radius: .3rem; padding: .6rem 1rem; font-weight: 600; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #8884; }
td:first-child { white-space: nowrap; }
summary { cursor: pointer; padding: .2rem 0; }
nav ul { columns: 3 14rem; }
"""

_CONVENTIONS = """<li><strong>Three groups of fields.</strong> <code>authored</code> is what the record's own file says,
<code>computed</code> is what this base computes from all records by its published rules, <code>related</code> are other
records that point at this one. Fields bear the names of the database's columns. <code>null</code> means unknown or not
printed, never zero.</li>
<li><strong>References</strong> are objects with <code>type</code>, <code>id</code>, <code>title</code> and
<code>href</code>; those to studies also say how deep the study was read and whether it was retracted.</li>"""

_INTRODUCTION = """
<p>Everything that the base holds, as JSON. Read only, no key, open to every origin (CORS). The machine-readable
description is <a href="{openapi}">OpenAPI 3.1</a>; it is written from the same table as the answers, and the tests
call every operation in it.</p>
<h2 id="conventions">Conventions</h2>
<ul>
{conventions}
<li><strong>Lists</strong> take filters (several values separated by commas are alternatives; different filters must all
hold; codes, DOIs, registry numbers and names are found in any case), <code>sort=-year,title</code>,
<code>fields=title,year</code>, <code>include=arms,outcomes</code> (or <code>all</code>), <code>limit</code> (1 to
500) and <code>cursor</code>: follow <code>links.next</code> until it is <code>null</code>.</li>
<li><strong>Single records</strong> come with everything that belongs to them; <code>include</code> and
<code>fields</code> narrow that.</li>
<li><strong>For reference managers:</strong> <code>{root}/studies/&lt;id&gt;.bib</code> is the reference to a study,
<code>{root}/conditions/&lt;id&gt;.bib</code> those of all studies of a condition; also <code>.ris</code>, <code>.nbib</code> and
<code>.csl.json</code>. What changed is in the feed, <code>{base}/feed.atom</code>.</li>
<li><strong>Identifiers are kept for good.</strong> One that was given up answers 301 with its successor, or 410 with the
reason.</li>
<li><strong>Caching.</strong> Every answer has <code>ETag</code> and <code>Last-Modified</code>; send
<code>If-None-Match</code> and take the 304. Answers come gzipped, or in Brotli where the server has it.</li>
<li><strong>Errors</strong> are problem details (RFC 9457): <code>detail</code>, <code>allowed</code> and
<code>did_you_mean</code> say what would have been right.</li>
</ul>
<pre>SITE=http://127.0.0.1:8001  # the address of this site, up to its first slash
curl "$SITE{root}/conditions?tier=emerging&amp;sort=-randomized_participants&amp;fields=name,evidence_tier,direction"
curl "$SITE{root}/conditions/fibromyalgia"
curl "$SITE{root}/studies?condition=fibromyalgia&amp;randomized=true&amp;primary_direction=no_difference,favours_comparator"
curl "$SITE{root}/outcomes?condition=fibromyalgia&amp;domain=pain&amp;include=results,effects"
curl "$SITE{root}/claims?verdict=contradicted&amp;include=evidence"
curl "$SITE{root}/trials?silent=true"</pre>
<h2 id="datasette">Datasette's own JSON, CSV and SQL</h2>
<p>They stay beside this API: every table and view at <code>{base}/ldn/&lt;table&gt;.json</code> and <code>.csv</code>, any
SQL at <code>{base}/ldn.json?sql=…</code> (the 1.0 line redirects to <code>/ldn/-/query.json</code>: follow with
<code>curl -L</code>). Always name the shape: <code>?_shape=objects</code> (rows as objects inside a
document) or <code>?_shape=array</code> (a bare array) mean the same in Datasette 0.65 and 1.0, while the shape without
the parameter differs between them. <code>?_shape=array&amp;_nl=on</code> gives a row a line. The whole database is at
<code>{base}/ldn.db</code>.</p>
<p>The CSV of a table or view has all rows; its JSON has 100, with <code>_size=max</code> 1,000, as has a query of one's
own.</p>
<pre>curl "$SITE{base}/ldn/condition_catalogue.json?_shape=array&amp;_size=max"
curl "$SITE{base}/ldn/studies.csv"
curl -L "$SITE{base}/ldn.json?_shape=array&amp;sql=select+id,+year+from+studies+where+year+%3E+2020"</pre>
"""


# Of the static tree, where no server looks at filters, and addresses are names of files.
_FILES_INTRODUCTION = """
<p>Everything that the base holds, as JSON files. No server stands behind them: lists are whole, and there are no filters, no
pages, no search. Every list is a file such as <a href="{root}/conditions.json"><code>v1/conditions.json</code></a>, every
record one such as <code>v1/conditions/&lt;id&gt;.json</code>; <a href="{root}/index.json"><code>v1/index.json</code></a> names
the lists with their number of records. The machine-readable description of these files is
<a href="{openapi}">OpenAPI 3.1</a>.</p>
<h2 id="conventions">Conventions</h2>
<ul>
{conventions}
<li><strong>Lists</strong> have the fields of their records; <strong>single records</strong> come with everything that belongs
to them.</li>
</ul>
"""


def page(catalogue: Catalogue) -> str:
    """The whole page."""
    from ldn_evidence.publish.openapi import openapi

    document = openapi(catalogue)
    base, root = catalogue.base, f"{catalogue.base}{API_ROOT}"
    body = "".join(_operations(document))
    introduction = _FILES_INTRODUCTION if catalogue.suffix else _INTRODUCTION
    problems = "" if catalogue.suffix else _problems()
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>JSON API of LDN Evidence</title>"
        f'<link rel="stylesheet" href="{base}/api/style.css"></head><body><main>'
        f'<p><a href="{base or "/"}">LDN Evidence</a></p><h1>JSON API</h1>'
        f'<p class="notice">{escape(catalogue.build.get("notice", ""))}</p>'
        f"<p>API version {API_VERSION}; data version {escape(catalogue.build.get('data_version', ''))}, as of "
        f"{escape(catalogue.build.get('data_as_of', ''))}. Data: CC0 1.0.</p>"
        f"{introduction.format(openapi=f'{root}/openapi.json', root=root, base=base, conventions=_CONVENTIONS)}"
        f'<h2 id="resources">Resources</h2><nav aria-label="Resources"><ul>{_contents(document)}</ul></nav>{body}'
        f"{problems}"
        '<h2 id="promise">What stays</h2><p>Within <code>v1</code> changes only add: new resources, fields, parameters and '
        "values of vocabularies may come. What is renamed stays under its old name too. Readers should ignore fields that "
        "they do not know.</p></main></body></html>\n"
    )


def _problems() -> str:
    """The kinds of problem, each with its anchor."""
    kinds = "".join(
        f'<tr id="{escape(kind)}"><td><code>{escape(kind)}</code></td><td>{escape(title)}</td></tr>'
        for kind, title in TITLES.items()
    )
    return (
        '<h2 id="problems">Kinds of problem</h2><div class="scroll" tabindex="0"><table>'
        f"<thead><tr><th>kind</th><th>title</th></tr></thead><tbody>{kinds}</tbody></table></div>"
    )


def _anchor(path: str) -> str:
    name = path.removeprefix(API_ROOT).strip("/")
    return "resource-" + (name.replace("/{id}", "-record").replace(".", "-") or "index")


def _contents(document: Mapping[str, Any]) -> str:
    return "".join(
        f'<li><a href="#{_anchor(path)}"><code>{escape(path.removeprefix(API_ROOT))}</code></a></li>'
        for path in document["paths"]
        if "{" not in path
    )


def _operations(document: Mapping[str, Any]) -> Iterator[str]:
    schemas = document["components"]["schemas"]
    for path, item in document["paths"].items():
        operation = item["get"]
        yield f'<h3 id="{_anchor(path)}"><code>GET {escape(path)}</code></h3><p>{escape(operation["summary"])}.</p>'
        if "description" in operation and "{" not in path:
            yield f"<p>{escape(operation['description'])}</p>"
        yield _parameters(operation.get("parameters", ()))
        content = (
            operation["responses"]["200"].get("content", {}).get("application/json", {}).get("schema", {})
        )
        name = content.get("$ref", "").rpartition("/")[2].removesuffix("Document")
        if "{" in path and name in schemas:
            yield _fields(name, schemas)


def _parameters(parameters: Any) -> str:
    rows = []
    for parameter in parameters:
        schema = parameter["schema"]
        one = schema.get("items", schema)
        values = one.get("enum")
        allowed = ""
        if values and parameter["name"] not in ("fields", "sort"):
            allowed = " " + ", ".join(f"<code>{escape(str(value))}</code>" for value in values)
        kind = f"{one['type']}{', several' if 'items' in schema else ''}{', needed' if parameter.get('required') else ''}"
        rows.append(
            f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{escape(kind)}</td>"
            f"<td>{escape(parameter['description'])}{allowed}</td></tr>"
        )
    if not rows:
        return ""
    return (
        '<details><summary>Parameters</summary><div class="scroll" tabindex="0"><table><thead><tr><th>name</th><th>type</th>'
        f"<th>meaning</th></tr></thead><tbody>{''.join(rows)}</tbody></table></div></details>"
    )


def _fields(name: str, schemas: Mapping[str, Any]) -> str:
    rows = []
    for group in ("authored", "computed", "related"):
        for field, schema in schemas[f"{name}{group.capitalize()}"]["properties"].items():
            unit = f" ({schema['x-unit']})" if "x-unit" in schema else ""
            rows.append(
                f"<tr><td><code>{group}.{escape(field)}</code></td><td>{escape(_type(schema))}</td>"
                f"<td>{escape(schema.get('description', '') + unit)}</td></tr>"
            )
    return (
        '<details><summary>Fields</summary><div class="scroll" tabindex="0"><table><thead><tr><th>field</th><th>type</th>'
        f"<th>meaning</th></tr></thead><tbody>{''.join(rows)}</tbody></table></div></details>"
    )


def _type(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return "reference or null"
    if "$ref" in schema:
        return "reference" if schema["$ref"].endswith("/Reference") else "object"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return " or ".join(kinds)
