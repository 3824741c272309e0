"""The command line `ldn-evidence`.

Each command imports its own stage when it runs, so that `--help` and a warm `serve` start at once.
Exit codes: 0 clean, 1 problems found in the records, 2 misuse (wrong arguments, no project, busy port), 130 interrupted.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from errno import EPIPE
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ldn_evidence.plain_letters import takes_every_letter, write_plainly

if TYPE_CHECKING:
    from ldn_evidence.problems import Format, Problem
    from ldn_evidence.project import Project

PROBLEMS_FOUND = 1
INTERRUPTED = 130


class Misuse(click.ClickException):
    """The command cannot do what was asked; one line says why."""

    exit_code = 2


class CommandLine(click.Group):
    """Says in one line what a person can mend; anything else is a defect and keeps its traceback."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            context.exit(INTERRUPTED)
        except Exception as error:
            from ldn_evidence.read.strict_yaml import ReadProblems
            from ldn_evidence.schemas import SchemaError

            if isinstance(error, ReadProblems):
                print_problems(error.problems)
                context.exit(PROBLEMS_FOUND)
            if isinstance(error, SchemaError) or _is_of_a_rule(error):
                raise Misuse(str(error)) from None
            if isinstance(error, OSError) and error.errno != EPIPE:
                raise Misuse(str(error)) from None
            raise


def _is_of_a_rule(error: Exception) -> bool:
    """Whether it is that a rule, of those for tiers and pooling that people may change, cannot be used."""
    if not isinstance(error, ValueError):
        return False
    from ldn_evidence.appraise import RuleError

    return isinstance(error, RuleError)


@click.group(
    cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="ldn-evidence", message="%(prog)s %(version)s")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The project's folder; without it, the nearest one upwards from here.",
)
@click.pass_context
def main(context: click.Context, root: Path | None) -> None:
    """Evidence on low-dose naltrexone: check the records, build the database, publish it.

    Not medical advice.
    """
    context.obj = root
    write_plainly(sys.stdout)
    write_plainly(sys.stderr)
    # Every command is short and makes no reference cycles worth collecting, but hundreds of thousands of small objects,
    # which the collector would walk through again and again: it took up to half of the time. Whoever calls a command
    # from a longer program gets the collector back at its end.
    if gc.isenabled():
        gc.disable()
        context.call_on_close(gc.enable)
    # Nor when the process ends: then everything goes anyway.
    atexit.register(gc.freeze)


def project_of(context: click.Context) -> Project:
    """The project that the command works on; misuse (exit code 2) when there is none."""
    from ldn_evidence.project import ProjectNotFound, find_project

    try:
        project = find_project(context.obj)
    except ProjectNotFound as not_found:
        raise Misuse(str(not_found)) from None
    if project.cache.exists() and not project.cache.is_dir():
        click.echo(f"{project.cache} is no folder, so nothing is kept for the next time; remove it", err=True)
    return project


@contextmanager
def shown_progress(wanted: bool | None = None) -> Iterator[Callable[[str, int, int], None] | None]:
    """A callable that takes (what, done, in all) and draws bars on the error stream, or None.

    Args:
        wanted: Whether to draw them; by default only when the error stream is a terminal.
    """
    if not (sys.stderr.isatty() if wanted is None else wanted):
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress, TaskID

    with Progress(console=Console(stderr=True), transient=True) as bars:
        bar_of: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in bar_of:
                bar_of[what] = bars.add_task(what)
            bars.update(bar_of[what], completed=done, total=total)

        yield show


@main.command()
@click.option("--format", "output_format", type=click.Choice(["text", "json", "github"]), default="text")
@click.option("--color/--no-color", default=None, help="Default: coloured on a terminal, plain in a pipe.")
@click.option(
    "--tiers/--no-tiers", default=True, help="Whether to hold tiers against the computed ones; default: yes."
)
@click.pass_context
def check(context: click.Context, output_format: Format, color: bool | None, tiers: bool) -> None:
    """Check every record and print all problems."""
    project = project_of(context)
    from ldn_evidence.build import load, tiers_as_computed
    from ldn_evidence.check import check_project

    with shown_progress() as progress:
        show = partial(progress, "Checking") if progress else None
        catalogue = check_project(project, show, meanwhile=load if tiers else None)
    problems = list(catalogue.problems)
    if tiers and not problems:
        problems = sorted([*problems, *tiers_as_computed(project, catalogue)])
    if problems or output_format == "json":
        print_problems(problems, output_format, color)
    if problems:
        context.exit(PROBLEMS_FOUND)
    if output_format == "text":
        click.echo(f"{_number(len(catalogue.records), 'record')}, no problem")


def print_problems(
    problems: Sequence[Problem], output_format: Format = "text", color: bool | None = None
) -> None:
    """Print problems on the output stream, and how many there are on the error stream."""
    from ldn_evidence.problems import format_problems

    coloured = color if color is not None else sys.stdout.isatty() and "NO_COLOR" not in os.environ
    text = format_problems(problems, output_format, coloured)
    if output_format == "json":
        print_json(text)
    else:
        click.echo(text, color=coloured)
    if problems:
        files = len({problem.file for problem in problems})
        click.echo(f"{_number(len(problems), 'problem')} in {_number(files, 'file')}", err=True)


def print_json(text: str) -> None:
    """Print JSON; where not every letter can be shown, with escapes, so that it means the same."""
    if not takes_every_letter(sys.stdout):
        import json

        text = json.dumps(json.loads(text), indent=2)
    click.echo(text)


@main.command()
@click.option("--force", is_flag=True, help="Build even when ldn.db is up to date.")
@click.option("--progress/--no-progress", default=None, help="Default: on a terminal, not in a pipe.")
@click.pass_context
def build(context: click.Context, force: bool, progress: bool | None) -> None:
    """Build ldn.db from the records.

    They are checked first; nothing is built when ldn.db is up to date.
    """
    click.echo(click.format_filename(built(context, project_of(context), progress, force)))


def built(
    context: click.Context, project: Project, progress: bool | None = None, force: bool = False
) -> Path:
    """The database, built anew where something changed; ends with exit code 1 when records have problems."""
    from ldn_evidence.build import build as build_database
    from ldn_evidence.problems import BrokenBuild, RecordsHaveProblems

    try:
        with shown_progress(progress) as show:
            return build_database(project, show, force=force)
    except RecordsHaveProblems as unclean:
        print_problems(unclean.problems)
        context.exit(PROBLEMS_FOUND)
    except BrokenBuild as broken:
        raise Misuse(str(broken)) from None


@main.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8001, show_default=True, envvar="PORT")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.pass_context
def serve(context: click.Context, port: int, host: str) -> None:
    """Serve ldn.db with Datasette.

    It is built first where records changed.
    """
    project = project_of(context)
    from ldn_evidence.publish.server import CannotServe, check_port
    from ldn_evidence.publish.server import serve as serve_database

    try:
        check_port(port, host)
        built(context, project)
        gc.enable()  # unlike the other commands, a server lives long
        serve_database(project, port, host)
    except CannotServe as error:
        raise Misuse(str(error)) from None


@main.command()
@click.argument("kind")
@click.argument("id")
@click.pass_context
def new(context: click.Context, kind: str, id: str) -> None:
    """Begin the record ID of a KIND as a template.

    Every field is explained in place; `check` names what is still to be filled.
    """
    from ldn_evidence.scaffold import ScaffoldError, new_record

    try:
        path = new_record(project_of(context), kind, id)
    except ScaffoldError as error:
        raise Misuse(str(error)) from None
    click.echo(click.format_filename(path))


@main.command()
@click.argument("what", nargs=-1, required=True, metavar="FILE_OR_IDENTIFIER ...")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.pass_context
def add(context: click.Context, what: tuple[str, ...], dry_run: bool) -> None:
    """Begin records from exported references and registrations, or from identifiers.

    Files: RIS, BibTeX, MEDLINE (nbib), PubMed XML, CSL-JSON, JSON or CSV of ClinicalTrials.gov. Identifiers: PMID, DOI,
    PMCID, NCT number; each gives a template. What the base has already is named and left alone; no network is asked.
    """
    project = project_of(context)
    from collections import Counter

    from ldn_evidence.add import CannotAdd
    from ldn_evidence.add import add as add_drafts

    done: Counter[str] = Counter()
    try:
        for added in add_drafts(project, what, dry_run=dry_run):
            result = "would be written" if dry_run and added.result == "written" else added.result
            done[result] += 1
            text = ": ".join(filter(None, [" ".join(filter(None, [result, added.file])), added.message]))
            click.echo(f"{added.origin}: {text}")
    except CannotAdd as error:
        raise Misuse(str(error)) from None
    click.echo(", ".join(f"{count} {result}" for result, count in done.items()), err=True)
    if done["not understood"]:
        context.exit(PROBLEMS_FOUND)


@main.command()
@click.option(
    "--records", type=click.IntRange(1), default=2000, show_default=True, help="Studies to generate."
)
@click.option("--repeats", type=click.IntRange(1), default=3, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--yaml-to-sqlite/--no-yaml-to-sqlite", "with_tool", default=False, help="Also run that tool.")
@click.option("--scale", metavar="N,N,...", help="Measure builds of these sizes once each, and nothing else.")
@click.option(
    "--all-randomised",
    is_flag=True,
    help="Every study a randomised trial with numbers: the most to appraise.",
)
@click.pass_context
def bench(
    context: click.Context,
    records: int,
    repeats: int,
    seed: int,
    with_tool: bool,
    scale: str | None,
    all_randomised: bool,
) -> None:
    """Measure builds of a generated catalogue, as ratios against baselines."""
    project = project_of(context)
    from rich.console import Console

    from ldn_evidence.bench import DESIGNS, run_bench, run_scale

    designs = {"randomised": 1} if all_randomised else DESIGNS
    if scale is not None:
        sizes = scale.split(",")
        if not all(size.isascii() and size.isdigit() and int(size) for size in sizes):
            raise Misuse(f"--scale: found {scale!r}; must be numbers of studies such as 2000,20000")
        run_scale(project, [int(size) for size in sizes], seed, designs, Console())
        return
    run_bench(project, records, repeats, seed, designs, with_tool, Console())


@main.command()
@click.pass_context
def generate(context: click.Context) -> None:
    """Write anew what is made from other files and kept in git; name what changed."""
    from ldn_evidence.generated import write_generated

    for path in write_generated(project_of(context)):
        click.echo(click.format_filename(path))


@main.command()
@click.argument("condition")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON, for programs.")
@click.option(
    "--what-if",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file with a hypothetical study record: what would it change?",
)
@click.pass_context
def explain(context: click.Context, condition: str, as_json: bool, what_if: Path | None) -> None:
    """Say why CONDITION has its tier and direction: trace, studies, history, outlook.

    CONDITION is an id, a name or a synonym: fibromyalgia, "Crohn's disease".
    """
    project = project_of(context)
    from ldn_evidence.explain import CannotExplain, HypotheticalHasProblems, as_data, show
    from ldn_evidence.explain import explain as explain_condition

    try:
        explanation = explain_condition(project, condition, what_if)
    except CannotExplain as error:
        raise Misuse(str(error)) from None
    except HypotheticalHasProblems as unclean:
        print_problems(unclean.problems)
        context.exit(PROBLEMS_FOUND)
    if as_json:
        import json

        print_json(json.dumps(as_data(explanation), ensure_ascii=False, indent=2))
    else:
        show(explanation)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_context
def coverage(context: click.Context, as_json: bool) -> None:
    """Say how complete and how deeply read the base is."""
    project = project_of(context)
    from ldn_evidence.check import check_project
    from ldn_evidence.coverage import coverage_rows, show
    from ldn_evidence.link import Catalogue

    checked = check_project(project)
    rows = list(coverage_rows(Catalogue(checked)))
    if as_json:
        import json

        print_json(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        show(rows)
    if checked.problems:
        count = _number(len(checked.problems), "problem")
        click.echo(f"{count} found; records with problems of their own are not counted", err=True)


@main.command()
@click.argument("formats", nargs=-1, metavar="[FORMAT ...]")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write to. Default: dist in the project.",
)
@click.option(
    "--database",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A built database; without it, ldn.db, built anew where records changed.",
)
@click.option(
    "--address",
    default="",
    metavar="URL",
    help="Where site/ will lie: for its sitemap and links of the feed.",
)
@click.option("--list", "list_formats", is_flag=True, help="Show the formats and what each is good for.")
@click.option("--progress/--no-progress", default=None, help="Default: on a terminal, not in a pipe.")
@click.pass_context
def export(
    context: click.Context,
    formats: tuple[str, ...],
    output: Path | None,
    database: Path | None,
    address: str,
    list_formats: bool,
    progress: bool | None,
) -> None:
    """Write the base in some formats, or in all.

    Each file carries version, licence and notice; manifest.json and SHA256SUMS name them all.
    """
    from ldn_evidence.publish.export import FORMATS, CannotExport
    from ldn_evidence.publish.export import export as write_exports

    if list_formats:
        width = max(map(len, FORMATS))
        for format in FORMATS.values():
            click.echo(f"{format.name:<{width}}  {format.files:<20}  {format.description}")
        return
    project = project_of(context)
    try:
        if database is None and not set(formats) - set(FORMATS):
            built(context, project, progress)
        with shown_progress(progress) as show:
            entries = write_exports(project, formats, output, database, show, address)
    except CannotExport as error:
        raise Misuse(str(error)) from None
    folder = output or project.exports
    written = [format for format in FORMATS if format in formats or not formats]
    files = [entry for entry in entries if entry.format in written]
    size = sum(entry.size for entry in files) / 1e6
    click.echo(f"{click.format_filename(folder)}: {_number(len(files), 'file')}, {size:,.1f} MB")


@main.command()
@click.argument("old")
@click.argument("new")
@click.option("--format", "output_format", type=click.Choice(["markdown", "json"]), default="markdown")
@click.pass_context
def diff(context: click.Context, old: str, new: str, output_format: str) -> None:
    """Say what changed from OLD to NEW, each a database file or a git revision.

    Tiers and why they moved, studies, numbers, verdicts, trials that reported: release notes.
    """
    from ldn_evidence.diff import CannotCompare, compare_versions, render_markdown

    try:
        difference = compare_versions(project_of(context), old, new)
    except CannotCompare as error:
        raise Misuse(str(error)) from None
    if output_format == "json":
        import json

        print_json(json.dumps(difference.as_data(), ensure_ascii=False, indent=2))
    else:
        click.echo(render_markdown(difference), nl=False)


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


if __name__ == "__main__":
    main()
