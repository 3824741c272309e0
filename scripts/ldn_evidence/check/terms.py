"""The vocabularies, and the schema definitions that are made from them.

`data/vocabularies/` is the one place where an allowed value and its meaning stand. Editors and validators need them
as JSON Schema, so `schema/terms.schema.json` is written from the vocabularies (`make generated`) and a test keeps it
current.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ldn_evidence.problems import Problem
from ldn_evidence.schemas import Schemas

Terms = Mapping[str, Mapping[str, Mapping[str, Any]]]


def read_terms(vocabularies: Path, schemas: Schemas) -> Terms:
    """Vocabulary id -> term id -> fields of the term, in the order of the files.

    Raises:
        ReadProblems: A vocabulary file is not readable.
    """
    # Here, for many know the terms already and read none.
    from ldn_evidence.check.typing import apply_types, compile_typer
    from ldn_evidence.read.strict_yaml import parse

    typer = compile_typer(schemas.record("vocabularies"))
    terms: dict[str, dict[str, dict[str, Any]]] = {}
    for path in sorted(vocabularies.glob("*.yml")):
        vocabulary = parse(path.read_bytes(), f"data/vocabularies/{path.name}")
        apply_types(vocabulary, typer)
        rows = vocabulary.get("terms", [])
        terms[path.stem] = {term["id"]: term for term in rows if isinstance(term, dict) and "id" in term}
    return terms


def lost_terms(terms: Terms, schemas: Schemas) -> Iterator[str]:
    """Terms that the schema knows and no vocabulary has."""
    for name, definition in schemas.documents["terms"]["$defs"].items():
        yield from set(definition["enum"]).difference(terms.get(name, ()))


def stale_terms(terms: Terms, schemas: Schemas) -> Iterator[Problem]:
    """The vocabularies that hold other terms than the schema, by which records are checked."""
    for name, definition in schemas.documents["terms"]["$defs"].items():
        inside, allowed = terms.get(name, {}).keys(), definition["enum"]
        if list(inside) != allowed:
            differing = ", ".join(sorted(inside ^ set(allowed))) or "in another order"
            message = f"found other terms than in the schema ({differing}); run `make generated`"
            if name not in terms:
                message = "found no such file; bring the vocabulary back, for the schemas refer to it"
            yield Problem(f"data/vocabularies/{name}.yml", 0, 0, "", message, "terms-generated")


def render_terms(vocabularies: Path, schemas: Schemas) -> str:
    """Text of `schema/terms.schema.json`: one definition a vocabulary that a schema refers to.

    What a term lacks is left open here, for the check to tell.
    """
    definitions = {}
    for name, terms in read_terms(vocabularies, schemas).items():
        definitions[name] = {
            "type": "string",
            "enum": list(terms),
            "enumDescriptions": [
                f"{term.get('label', '')}: {term.get('description', '')}" for term in terms.values()
            ],
        }
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Terms",
        "description": "Allowed values, written from data/vocabularies by `make generated`; edit them there.",
        "$defs": definitions,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
