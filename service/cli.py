"""The command table. Each command imports what it needs, so that `--help` and `validate` stay quick."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from ..connectors.errors import InvalidUse, MendflowError
from .exits import CANCELLED, COMPLETED, INVALID
from .screen import OutputLost, say, say_json, warn

app = typer.Typer(
    name="mendflow",
    help="Run workflows whose tool calls are verified and mend themselves.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

HomeOption = Annotated[
    Path, typer.Option("--home", envvar="MENDFLOW_HOME", help="Folder of the journal and all other state.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, nothing else.")]
HOME = Path(".mendflow")
_EXIT_CODES = (
    "Exit codes: 0 completed; 1 failed; 2 invalid use, file or input, or a journal that cannot be written;"
    " 3 parked or waiting; 5 stopped with Ctrl-C."
)
_SIGINT = 130
"""What typer makes of Ctrl-C."""


def _print_version(is_wanted: bool) -> None:  # noqa: FBT001  # typer calls it so
    if is_wanted:
        from importlib.metadata import version

        say(f"mendflow {version('mendflow')}")
        raise typer.Exit


@app.callback()
def _all(
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Run workflows whose tool calls are verified and mend themselves."""


@app.command(epilog=_EXIT_CODES)
def run(
    file: Annotated[Path, typer.Argument(help="The workflow.")],
    inputs: Annotated[
        list[str] | None, typer.Option("--input", "-i", metavar="NAME=VALUE", help="An input.")
    ] = None,
    sandbox: Annotated[
        str | None,
        typer.Option(metavar="[URL]", help="Act on a sandbox: your own at URL, or one started for the run."),
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option(metavar="KIND@OPERATION[:COUNT]", help="Arm a fault in the sandbox.")
    ] = None,
    model: Annotated[str, typer.Option(help="Use this model for all agents, e.g. `offline`.")] = "",
    trace: Annotated[Path | None, typer.Option(help="Write the trace there instead of HOME/traces.")] = None,
    once_key: Annotated[
        str,
        typer.Option(
            metavar="KEY", help="Start at most once under this key; a second start goes on with the first."
        ),
    ] = "",
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """Run a workflow."""
    from .running import RunOptions, run_workflow

    options = RunOptions(
        file=file,
        inputs=tuple(inputs or ()),
        sandbox=sandbox,
        faults=tuple(fault or ()),
        model=model,
        trace=trace,
        once_key=once_key,
    )
    raise typer.Exit(run_workflow(options, home, as_json=json))


@app.command()
def validate(
    file: Annotated[Path, typer.Argument(help="The workflow.")],
    json: JsonOption = False,
) -> None:
    """Check a workflow and print every mistake with its place."""
    from .workflows import validate_file

    raise typer.Exit(validate_file(file, as_json=json))


@app.command()
def drill(
    file: Annotated[Path, typer.Argument(help="The workflow.")],
    inputs: Annotated[
        list[str] | None, typer.Option("--input", "-i", metavar="NAME=VALUE", help="An input.")
    ] = None,
    pairs: Annotated[int, typer.Option(min=0, help="So many pairs of faults, chosen by the seed.")] = 24,
    faults: Annotated[str, typer.Option(metavar="KIND,…", help="Only these kinds of fault.")] = "",
    only: Annotated[str, typer.Option(metavar="STEP", help="Only the calls of this step.")] = "",
    items: Annotated[
        str, typer.Option(metavar="N|all", help="Do the first N items of each map's list.")
    ] = "2",
    seed: Annotated[int, typer.Option(help="Which item is struck, and which pairs are tried.")] = 7,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one for each processor.")] = 0,
    trial: Annotated[
        str, typer.Option(metavar="KIND@OPERATION#NUMBER[+…]", help="This one trial alone.")
    ] = "",
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here.")] = None,
    json: JsonOption = False,
) -> None:
    """Let each call of a workflow meet each fault, in worlds in memory, and check the vendor's books."""
    from .drill.command import DrillOptions, drill_file

    options = DrillOptions(
        file=file,
        inputs=tuple(inputs or ()),
        pairs=pairs,
        faults=tuple(word.strip() for word in faults.split(",") if word.strip()),
        only=only,
        items=items,
        seed=seed,
        workers=workers,
        trial=trial,
        junit=junit,
    )
    raise typer.Exit(drill_file(options, as_json=json))


@app.command("test")
def run_tests(
    file: Annotated[Path, typer.Argument(help="The workflow.")],
    only: Annotated[str, typer.Option(metavar="NAME", help="Only the case of this name.")] = "",
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here.")] = None,
    json: JsonOption = False,
) -> None:
    """Run the cases under a workflow's `tests`, each in a world in memory."""
    from .drill.cases import run_cases

    raise typer.Exit(run_cases(file, only, junit, as_json=json))


@app.command()
def graph(
    file: Annotated[Path | None, typer.Argument(help="The workflow.")] = None,
    machine: Annotated[
        bool, typer.Option("--machine", help="Draw the state machine that runs all workflows.")
    ] = False,
) -> None:
    """Draw the steps of a workflow as Mermaid."""
    from .workflows import draw_file, draw_machine

    if machine:
        draw_machine()
    elif file is not None:
        draw_file(file)
    else:
        raise typer.BadParameter("give a workflow, or `--machine`")


@app.command()
def runs(
    status: Annotated[str, typer.Option(help="Only runs of this status, e.g. `interrupted`.")] = "",
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """List the runs."""
    from .showing import list_runs

    raise typer.Exit(list_runs(home, status, as_json=json))


@app.command()
def show(
    run_id: Annotated[str, typer.Argument(metavar="RUN")],
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """Show what became of a run, step by step."""
    from .showing import show_run

    raise typer.Exit(show_run(home, run_id, as_json=json))


@app.command()
def why(
    run_id: Annotated[str, typer.Argument(metavar="RUN")],
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """Explain each heal, and each step that failed, is parked or waits."""
    from .showing import explain_run

    raise typer.Exit(explain_run(home, run_id, as_json=json))


@app.command()
def resume(
    run_id: Annotated[str, typer.Argument(metavar="[RUN]")] = "",
    every: Annotated[
        bool, typer.Option("--all", help="Take up every run whose process died before its end.")
    ] = False,
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """Go on with a run that was interrupted, was stopped with Ctrl-C, waits, or is parked."""
    from .running import resume_all, resume_run

    if bool(run_id) == every:
        raise typer.BadParameter("give a run, or `--all`")
    raise typer.Exit(resume_all(home, as_json=json) if every else resume_run(run_id, home, as_json=json))


@app.command()
def resolve(
    run_id: Annotated[str, typer.Argument(metavar="RUN")],
    effect: Annotated[
        str, typer.Argument(help="Path of the parked step; may be left out when only one effect is parked.")
    ] = "",
    done: Annotated[bool, typer.Option("--done", help="It took place.")] = False,
    refused: Annotated[bool, typer.Option("--refused", help="Give it up; nothing is sent.")] = False,
    resend: Annotated[bool, typer.Option("--resend", help="It surely did not take place: send it.")] = False,
    reason: Annotated[str, typer.Option(help="Why: what you saw, and where.")] = "",
    output: Annotated[
        str, typer.Option(metavar="JSON", help="With `--done`: what the call would have returned.")
    ] = "",
    by: Annotated[str, typer.Option(help="Who decides.", envvar="USER")] = "somebody",
    home: HomeOption = HOME,
) -> None:
    """Decide about a parked effect, whose outcome only a person can find out."""
    from ..graph.engine.resolutions import Resolution
    from .deciding import decision_of, output_of, record_resolution

    decision = decision_of(done=done, refused=refused, resend=resend)
    if not reason.strip():
        raise typer.BadParameter("say why with `--reason`: it stays in the record")
    resolution = Resolution(decision, by, reason.strip(), output_of(output, decision))
    raise typer.Exit(record_resolution(run_id, effect, resolution, home))


@app.command()
def pause(
    connection: Annotated[
        str, typer.Argument(help="Name of the connection; left out: list what is paused.")
    ] = "",
    off: Annotated[bool, typer.Option("--off", help="Let it go on.")] = False,
    reason: Annotated[str, typer.Option(help="Why.")] = "no reason was given",
    by: Annotated[str, typer.Option(help="Who decides.", envvar="USER")] = "somebody",
    home: HomeOption = HOME,
) -> None:
    """Hold back every call of a connection, at once and in all runs of the home."""
    from .deciding import switch

    raise typer.Exit(switch(connection, off=off, by=by, reason=reason, home_folder=home))


@app.command()
def approve(
    run_id: Annotated[str, typer.Argument(metavar="RUN")],
    step: Annotated[
        str, typer.Argument(help="Path of the waiting step; may be left out when only one waits.")
    ] = "",
    deny: Annotated[str, typer.Option(metavar="REASON", help="Deny it, for this reason.")] = "",
    by: Annotated[str, typer.Option(help="Who decides.", envvar="USER")] = "somebody",
    home: HomeOption = HOME,
) -> None:
    """Approve a waiting step, or deny it."""
    from .deciding import record_approval

    raise typer.Exit(record_approval(run_id, step, deny, by, home))


@app.command()
def replay(
    run: Annotated[str, typer.Argument(metavar="RUN|FILE", help="A run of this home, or a trace file.")],
    workflow: Annotated[Path | None, typer.Option(help="Replay on this edited workflow instead.")] = None,
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """Execute a run again from its trace, without network, and compare everything."""
    from .replaying import replay_run

    raise typer.Exit(replay_run(run, workflow, home, as_json=json))


@app.command()
def audit(
    run: Annotated[str, typer.Argument(metavar="RUN|FILE", help="A run of this home, or a trace file.")],
    home: HomeOption = HOME,
    json: JsonOption = False,
) -> None:
    """Check every heal of a run again from its trace alone, and the record itself."""
    from .auditing import audit_run

    raise typer.Exit(audit_run(run, home, as_json=json))


@app.command()
def tools(
    name: Annotated[str, typer.Argument(help="A connector, or CONNECTOR.TOOL.")] = "",
    json: JsonOption = False,
) -> None:
    """List the tools of the connectors, or show one."""
    from .workflows import list_tools

    raise typer.Exit(list_tools(name, as_json=json))


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port on 127.0.0.1; 0 picks a free one.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the account's ids.")] = 7,
    api_key: Annotated[str, typer.Option(help="The key that is valid at the start.")] = "",
    state: Annotated[Path | None, typer.Option(help="Keep the account in this file.")] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="Write the valid key here, also after a rotation.")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option(metavar="KIND@OPERATION[:COUNT]", help="Arm a fault.")
    ] = None,
    until_stdin_closes: Annotated[bool, typer.Option("--until-stdin-closes", hidden=True)] = False,
) -> None:
    """Serve a stand-in for the Piggy API; prints one JSON line when it is ready."""
    from .standin import serve_sandbox

    serve_sandbox(
        port=port,
        seed=seed,
        api_key=api_key,
        state=state,
        key_file=key_file,
        faults=tuple(fault or ()),
        until_stdin_closes=until_stdin_closes,
    )


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code; mistakes end in one clear message, never in a stack trace."""
    given = sys.argv[1:] if arguments is None else arguments
    # `--sandbox` may stand alone; the parser wants a value, so it gets an empty one
    words = ["--sandbox=" if word == "--sandbox" else word for word in given]
    try:
        sys.exit(_ended(words))
    except OutputLost as error:
        lost = f"{error.message}\n{error.help}"
    except OSError as error:  # the parser prints the help itself
        lost = f"The operating system refused something: {error}."
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is buffered still would fail again at the exit
    warn(lost)
    sys.exit(INVALID)


def _ended(words: list[str]) -> int:
    try:
        code = app(words, prog_name="mendflow", standalone_mode=False) or COMPLETED
    except OutputLost:
        raise
    except MendflowError as error:
        return _refused(words, error.code, error.message, error.help)
    except TyperException as error:
        return _refused(words, InvalidUse.code, error.format_message(), _usage_of(words))
    except (KeyboardInterrupt, typer.Abort):
        code = _SIGINT
    if code == _SIGINT:
        _refused(words, "interrupted", "Interrupted: no run was at work.", "")
        return CANCELLED
    return int(code)


def _refused(words: list[str], code: str, message: str, advice: str) -> int:
    """Say on stderr what went wrong, and with `--json` in one document on stdout; return the exit code."""
    warn(f"{message}\n{advice}" if advice else message)
    if "--json" in words:
        say_json({"error": {"code": code, "message": message, "help": advice}})
    return INVALID


def _usage_of(words: list[str]) -> str:
    """Return where the use of the command is explained; a bare `mendflow` has printed it already."""
    known = {one.name or one.callback.__name__ for one in app.registered_commands if one.callback}
    command = next((f" {word}" for word in words if word in known), "")
    return f"`mendflow{command} --help` shows how it is used." if words else ""
